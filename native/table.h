/*
 * The child table: what the init must know about its children to go on after its own program was replaced.
 *
 * It lies in a memfd, so it outlives an exec, and everything in it has a fixed layout that C (the launcher) and C++ share.
 * The kernel writes `pid` (CLONE_PARENT_SETTID) before the child runs, the child writes `exec_errno`, the reaper writes
 * `status` before it reaps. All shared fields are read and written with the atomic helpers below.
 */
#ifndef CONTAINERPILOT_TABLE_H
#define CONTAINERPILOT_TABLE_H
#include <stdint.h>

#define CP_TABLE_MAGIC 0x746f6c69702d7063ull /* "cp-pilot", little endian */
/* Raise it with every change of the layout: a table of another version is never adopted. */
#define CP_TABLE_VERSION 3u
/* Runs that are alive, or whose end JavaScript has not been told yet. */
#define CP_CHILDREN_MAX 512
#define CP_JOB_BYTES 256
#define CP_PATH_BYTES 4096
/* All words and variables together; with more of them the runtime is not replaced, only parked. */
#define CP_COMMAND_BYTES 262144u
/* What JavaScript asks to be reminded of. */
#define CP_MEMORY_BYTES 262144u
/* Log fields of an application that the launcher starts, each key and value with its NUL. */
#define CP_FIELD_BYTES 2048
/* sockaddr_un's (unix(7)). */
#define CP_SOCKET_BYTES 108
#define CP_REASON_BYTES 512
/* At least the kernel's struct termios. */
#define CP_TERMINAL_BYTES 64
/* Rebirths in CP_REBIRTH_WINDOW_MS; the next death is the end. */
#define CP_REBIRTHS_MAX 3u
#define CP_REBIRTH_WINDOW_MS 600000

enum cp_child_state {
  CP_FREE = 0,
  /* Between clone and exec. */
  CP_SPAWNING,
  CP_RUNNING,
  /* The leader has ended, `status` is stored, the pid is being reaped. */
  CP_ENDED,
  /* The leader is reaped; its group lives on, so its number is still taken. */
  CP_LINGERING,
  /* Nothing is left of it in the kernel; JavaScript still has to be told. */
  CP_GONE,
  /* exec failed; the child waits to be reaped. */
  CP_FAILED,
};

/* Events that JavaScript has not drained yet. */
enum cp_owed { CP_OWES_EXITED = 1, CP_OWES_GROUP = 2, CP_OWES_CLOSED = 4 };

struct cp_child {
  uint32_t state;
  uint32_t run;
  int32_t pid;
  /* As waitpid gives it. */
  int32_t status;
  int32_t exec_errno;
  uint32_t owed;
  /* It was given the terminal. */
  uint32_t foreground;
  /* The log pump reads its streams. */
  uint32_t pumped;
  /* Started by an earlier program of this process. */
  uint32_t adopted;
  uint32_t reserved;
  /* CLOCK_MONOTONIC. */
  int64_t started_ms;
  char job[CP_JOB_BYTES];
};

/* State of the process before Node changed it; the first runtime of the process records it. */
struct cp_origin {
  uint64_t nofile_soft;
  uint64_t nofile_hard;
  /* F_GETFL of 0-2, or -1 where the descriptor was closed. */
  int32_t stdio_flags[3];
  /* Whether all this was recorded before Node ran. */
  uint32_t early;
};

/* How the launcher starts the runtime; it fills this in once, and needs it when the program is replaced. */
struct cp_command {
  /* Kept open for the case that the files are replaced or gone; -1: none. */
  int32_t launcher_fd;
  int32_t runtime_fd;
  uint32_t argc;
  uint32_t envc;
  char launcher[CP_PATH_BYTES];
  char runtime[CP_PATH_BYTES];
  char bundle[CP_PATH_BYTES];
  /* Empty: without the addon as preload. */
  char addon[CP_PATH_BYTES];
  /* argc words, then envc variables, each with its NUL: as the container's runtime gave them. */
  char text[CP_COMMAND_BYTES];
};

enum cp_cause {
  CP_CAUSE_THROW = 0,
  CP_CAUSE_REJECTION,
  CP_CAUSE_EXIT,
  CP_CAUSE_ABORT,
  CP_CAUSE_HEAP,
  CP_CAUSE_STACK,
  CP_CAUSE_SEGV,
  CP_CAUSE_BUS,
  CP_CAUSE_FPE,
  CP_CAUSE_ILL,
  CP_CAUSE_TRAP,
  CP_CAUSE_SYS,
  CP_CAUSE_HANG,
  CP_CAUSES,
};
/* As they stand in messages and in the metric's label. */
#define CP_CAUSE_NAMES                                                                                     \
  {"throw", "rejection", "exit", "abort", "heap", "stack", "segv", "bus", "fpe", "ill", "trap", "sys", "hang"}

struct cp_rebirth {
  /* Since the process began. */
  uint32_t count;
  uint32_t cause;
  /* No runtime is started any more: what runs is stopped. */
  uint32_t last_stand;
  /* CLOCK_MONOTONIC; the latest ones, the oldest is overwritten. */
  int64_t at_ms[CP_REBIRTHS_MAX];
  uint32_t by_cause[CP_CAUSES];
  /* JavaScript's own words about its end, until they are used. */
  uint32_t told_cause;
  char told[256];
};

/* The application as far as the native half knows it. */
struct cp_main {
  uint32_t run;
  /* As waitpid gives it; CP_NOT_ENDED. */
  int32_t status;
  int32_t grace_ms;
  uint32_t reserved;
  /* Signals that go to it at once, bit n-1 for signal n. */
  uint64_t forward;
};
#define CP_NOT_ENDED (-1)

/* Two texts, so that one is whole whenever the other is being written. */
struct cp_memory {
  uint32_t current;
  uint32_t bytes[2];
  char text[2][CP_MEMORY_BYTES];
};

/* The controlling terminal as it was given to us, for the end. */
struct cp_terminal {
  uint32_t recorded;
  /* A child has had it. */
  uint32_t lent;
  uint8_t settings[CP_TERMINAL_BYTES];
};

/* Instant start: what the launcher has done before it became the runtime. */
struct cp_instant {
  /* The application's run, 0: it was not started. */
  uint32_t run;
  /* Read ends of its stdout and stderr, -1: inherited, or the log pump has them. */
  int32_t streams[2];
  /* LogLevel, LogFormat and LogDialect by number, and the descriptor that lines go to. */
  uint8_t log_level, log_format, log_dialect, log_fd;
  uint32_t field_count;
  char fields[CP_FIELD_BYTES];
  /* It listens already: the descriptor (-1: nowhere), why not where it was wanted, that place, and where it does. */
  int32_t control_fd;
  int32_t control_error;
  char control_wanted[CP_SOCKET_BYTES];
  char control_path[CP_SOCKET_BYTES];
  /* Why there was no instant start; empty: there is no boot file. */
  char why_not[CP_REASON_BYTES];
};

struct cp_table {
  uint64_t magic;
  uint32_t version;
  uint32_t child_bytes;
  uint32_t children_max;
  /* Entries from here on have never been used. */
  uint32_t children_high;
  /* The process whose table this is. */
  int32_t pid;
  /* The highest run there has been; numbers are never used again. */
  uint32_t last_run;
  /* The log pump's memory, -1: none. */
  int32_t log_fd;
  /* Whether the command below is complete. */
  uint32_t replaceable;
  /* Children that were not ours, reaped. */
  uint64_t orphans;
  struct cp_origin origin;
  struct cp_terminal terminal;
  struct cp_instant instant;
  struct cp_main main;
  struct cp_rebirth rebirth;
  struct cp_command command;
  struct cp_memory memory;
  struct cp_child children[CP_CHILDREN_MAX];
};

#define cp_load(field) __atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define cp_store(field, value) __atomic_store_n(&(field), (value), __ATOMIC_SEQ_CST)

#ifdef __cplusplus
namespace pilot {

/** The one table of this process; made by table_make. */
extern cp_table* table;

/** Makes the table, in a memfd or (not wanted, none to be had, old kernel) in plain shared memory. 0 or -errno. */
int table_make(bool in_file = true);
/** Takes the table that the launcher has made, in this memfd. 0 or -errno: then it is not one of ours. */
int table_take(int fd);
/** The memfd, close-on-exec, or -1. */
int table_fd();

/** Whether this runtime follows another one of the same process, or the launcher has started the application. */
bool table_adopts();
/** Keeps a text for the runtime that may follow; false when it is too long. One thread. */
bool table_remember(const char* text, uint32_t bytes);

/** A free entry in state CP_SPAWNING, or null when the table is full. Spawning thread only. */
cp_child* table_claim(uint32_t run, const char* job);
/** The entry whose leader is alive with this pid, or null. */
cp_child* table_find_pid(int32_t pid);
/** The entry of a run, in whatever state but free, or null. */
cp_child* table_find_run(uint32_t run);
/** Marks an event as told; the entry becomes free with the last one. Spawning thread only. */
void table_told(uint32_t run, uint32_t owed);

}  // namespace pilot
#endif
#endif
