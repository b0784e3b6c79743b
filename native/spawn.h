// Starting programs without copying the init: clone with shared memory, on a stack of its own.
#pragma once
#include <stdint.h>

#include "attributes.h"

namespace pilot {

struct SpawnRequest {
  uint32_t run;
  const char* job;
  const char* file;
  char* const* argv;
  char* const* envp;
  Attributes attributes;
  /** What becomes of 0, 1 and 2: a descriptor above 2, or the number itself to inherit ours. */
  int streams[3];
  bool foreground;
  /** JavaScript waits for `closed`: from the log pump, or, when that does not read its streams, right after `exited`. */
  bool closes;
  bool pumped;
};

/**
 * The new pid, or -errno: what exec or a step before it said; ENOBUFS when CP_CHILDREN_MAX runs are unfinished.
 * Only from one thread, one that lives as long as the process: PDEATHSIG of a child follows the thread that made it.
 */
int spawn(const SpawnRequest& request);

/** What the last spawn failed at, when it failed in the child. */
SpawnFailure spawn_failure();
/** Whether this thread waits for its child to exec: the kernel shows it as uninterruptible, but a kill ends it (clone(2)). */
bool spawn_waits(int32_t tid);

}  // namespace pilot
