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
#define CP_TABLE_VERSION 1u
/* Runs that are alive, or whose end JavaScript has not been told yet. */
#define CP_CHILDREN_MAX 512
#define CP_JOB_BYTES 64

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

struct cp_table {
  uint64_t magic;
  uint32_t version;
  uint32_t child_bytes;
  uint32_t children_max;
  /* Entries from here on have never been used. */
  uint32_t children_high;
  /* The process whose table this is. */
  int32_t pid;
  uint32_t reserved;
  /* Children that were not ours, reaped. */
  uint64_t orphans;
  struct cp_origin origin;
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
/** The memfd, close-on-exec, or -1. */
int table_fd();

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
