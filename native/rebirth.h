// Rebirth: the process replaces its dead runtime by a new one. execve(2) keeps the pid, the children, the blocked mask and
// the pending signals; table, log region and pipes are descriptors that stay open.
#pragma once
#include "table.h"

namespace pilot {

/**
 * Becomes the launcher, which starts a new runtime, or, when this is one death too many, stops everything. Says so in one
 * line on stderr and in /dev/termination-log. Returns only when that is impossible: no launcher, handlers instead of a
 * mask, a thread that the kernel holds in uninterruptible sleep, an exec that fails. Then the gates are open again.
 * Async-signal-safe; one thread, which may be any.
 *
 * `hasty`: it has failed once in this very function, so nothing is said and nothing waited for.
 */
void rebirth(cp_cause cause, bool hasty);

/** Whether there is anything a new runtime could go on with: a program was started. */
bool rebirth_has_work();

}  // namespace pilot
