// Reaps every child of the process, ours and adopted orphans, on a thread of its own.
#pragma once

namespace pilot {

/** 0 or -errno. */
int reaper_start();

/** Something may have ended, or a first child was made. Never blocks, async-signal-safe. */
void reaper_wake();
}  // namespace pilot
