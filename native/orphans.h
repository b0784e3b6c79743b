// Accounting of children that were not ours: who leaves processes behind for the init to reap, and how many.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pilot {

/** Kinds that are counted by name; what comes after them counts as `(others)`. */
inline constexpr uint32_t orphan_kinds_max = 64;
/** As comm has it (proc(5)), with the NUL. */
inline constexpr size_t orphan_comm_bytes = 16;
inline constexpr size_t orphan_job_bytes = 64;

/** A program's name, how many orphans had it, and the job whose process group or session the last of them was in. */
struct OrphanKind {
  char comm[orphan_comm_bytes];
  /** Empty where it is not known: the process had made a session of its own, as daemons do. */
  char job[orphan_job_bytes];
  int32_t last_pid;
  uint64_t count;
};

/**
 * Counts a zombie that is not in the child table; without /proc its name is `?`. The sum is exact; of a storm (more than 64
 * at once, or 8 a second) the names are a sample. True when the count of all has just reached 100, or another power of ten above it: somebody leaks.
 * Reaper's thread only; before the reap.
 */
bool orphans_add(int32_t pid);

/** A copy of what was counted so far, most frequent or not; its length. Any thread. */
uint32_t orphans_read(OrphanKind (&kinds)[orphan_kinds_max + 1]);

}  // namespace pilot
