// Numeric entries of a directory in /proc, without allocation: usable in a forked child and beside a dead thread.
#pragma once
#include <sys/types.h>

namespace pilot {

/**
 * Calls `each` with every numeric name in `path` (pids, thread ids, descriptors) until it returns false.
 * 0, or -errno when the directory cannot be read (no /proc, no descriptor to be had).
 */
int each_number(const char* path, bool (*each)(int number, int dir_fd, void* context), void* context);

/** Reads the beginning of a small file relative to a directory into `buffer` as a string; its length or -errno. */
ssize_t read_at(int dir_fd, const char* name, char* buffer, size_t bytes);

/** Whether /proc shows our own PID namespace: only then do its numbers mean anything to kill(2). */
bool proc_is_ours();

/**
 * Replaces what would break a line of the log, or command a terminal: a process may call itself anything (PR_SET_NAME of
 * prctl(2)). A name of nothing becomes `?`; `name` has room for that.
 */
void make_printable(char* name);

/** Writes a non-negative number as text; returns the end (where a 0 byte is). `buffer` needs 12 bytes. */
char* put_number(char* buffer, int number);

}  // namespace pilot
