// What is done to processes by their entry in the child table, never by a bare pid.
#pragma once
#include <cstdint>

#include "futex.h"

namespace pilot {

enum class SignalTarget { process, group };

/**
 * Held over {look up, kill} and {mark as ended, waitpid}: a pid that is signalled cannot have been reaped, so it cannot be
 * somebody else's. Never held over clone.
 */
extern FutexLock kill_lock;

/**
 * Signals a run. `value`: passed on with the signal (sigqueue(3)). 0 or -errno: ESRCH when its process has ended (group:
 * when nothing of it is left).
 */
int process_signal(uint32_t run, int signo, SignalTarget target, const uint64_t* value = nullptr);

/** True when no process of a run's group is left; `leader` is its number. Kernel state only, no lock. */
bool group_is_empty(int32_t leader);

/**
 * Sends `signo` (0: to nobody) to every other process of the container: as PID 1 to all there are, else to all below us.
 * Returns how many there were (zombies do not count; without /proc as PID 1: 1 for any number, zombies included), or -errno
 * when that cannot be told.
 */
int process_sweep(int signo);

/** As /proc/PID/stat has it, with the NUL: a comm is 15 bytes at most (proc(5)), those of kernel threads are longer. */
inline constexpr int process_name_bytes = 32;

struct SweptProcess {
  int32_t pid;
  char name[process_name_bytes];
};

/** At most so many are named: a log line has to hold them. */
inline constexpr int swept_max = 32;

/** Whom the last process_sweep with a signal found; how many of them are named, 0 without /proc. JavaScript's thread. */
int process_swept(SweptProcess (&swept)[swept_max]);

/** Makes orphans ours when we are not PID 1. True when we are a subreaper. */
bool subreaper_claim();

}  // namespace pilot
