#include "orphans.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "futex.h"
#include "procfs.h"
#include "table.h"
#include "unique_fd.h"

namespace pilot {

static constexpr uint64_t first_warning = 100;
// Reading a name costs eight times what the reaping does. So the first names are read, and so many a second after them; in a
// storm one in so many, drawn by lot, whose name stands for those that follow it.
static constexpr int64_t exact_at_once = 64;
static constexpr int64_t exact_a_second = 8;
static constexpr uint32_t storm_sample = 64;

// Held for a copy at the longest: by the reaper, and by JavaScript. A dead JavaScript thread does not die in here.
static FutexLock lock;
static OrphanKind kinds[orphan_kinds_max + 1];
static uint32_t kinds_used = 0;
static uint64_t warn_at = first_warning;

static void read_comm(int32_t pid, char (&comm)[orphan_comm_bytes]) {
  char path[32] = "/proc/";
  strcpy(put_number(path + 6, pid), "/comm");
  UniqueFd file(open(path, O_RDONLY | O_CLOEXEC));
  ssize_t bytes = file.valid() ? read(file.get(), comm, sizeof comm) : 0;
  // Its last byte is a newline.
  comm[bytes > 0 ? bytes - 1 : 0] = 0;
  make_printable(comm);
}

/** A zombie keeps its group and session, and both numbers stay taken as long as somebody is in them. */
static const cp_child* former_job(int32_t pid) {
  int32_t groups[] = {getpgid(pid), getsid(pid)};
  uint32_t high = cp_load(table->children_high);
  for (int32_t group : groups) {
    for (uint32_t i = 0; group > 1 && i < high; i++) {
      const cp_child* child = &table->children[i];
      uint32_t state = cp_load(child->state);
      bool counts = state == CP_RUNNING || state == CP_ENDED || state == CP_LINGERING;
      if (counts && cp_load(child->pid) == group) return child;
    }
  }
  return nullptr;
}

static OrphanKind* kind_of(const char* comm) {
  for (uint32_t i = 0; i < kinds_used; i++)
    if (strcmp(kinds[i].comm, comm) == 0) return &kinds[i];
  if (kinds_used > orphan_kinds_max) return &kinds[orphan_kinds_max];
  OrphanKind* kind = &kinds[kinds_used];
  strcpy(kind->comm, kinds_used < orphan_kinds_max ? comm : "(others)");
  kinds_used++;
  return kind;
}

/** Whether this one is read; the reaper's thread alone. */
static bool is_read() {
  static int64_t left = exact_at_once, filled_s = 0;
  static uint32_t lot = 1;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (now.tv_sec > filled_s) {
    left += (now.tv_sec - filled_s) * exact_a_second;
    if (left > exact_at_once) left = exact_at_once;
    filled_s = now.tv_sec;
  }
  if (left > 0) {
    left--;
    return true;
  }
  // Every second, or every tenth, might always be the same program; a linear congruence knows no such rhythm.
  lot = lot * 1664525 + 1013904223;
  return lot < UINT32_MAX / storm_sample;
}

bool orphans_add(int32_t pid) {
  static OrphanKind* last = nullptr;
  uint64_t total = __atomic_add_fetch(&table->orphans, 1, __ATOMIC_SEQ_CST);
  bool reading = last == nullptr || is_read();
  char comm[orphan_comm_bytes];
  const cp_child* job = nullptr;
  if (reading) {
    read_comm(pid, comm);
    job = former_job(pid);
  }
  {
    FutexGuard guard(lock);
    OrphanKind* kind = reading ? kind_of(comm) : last;
    kind->count++;
    last = kind;
    if (reading) {
      kind->last_pid = pid;
      size_t bytes = job == nullptr ? 0 : strnlen(job->job, orphan_job_bytes - 1);
      if (bytes > 0) memcpy(kind->job, job->job, bytes);
      kind->job[bytes] = 0;
    }
  }
  if (total < warn_at) return false;
  while (warn_at <= total) warn_at *= 10;
  return true;
}

uint32_t orphans_read(OrphanKind (&copy)[orphan_kinds_max + 1]) {
  FutexGuard guard(lock);
  memcpy(copy, kinds, sizeof kinds);
  return kinds_used;
}

}  // namespace pilot
