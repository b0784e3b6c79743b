// Brings the native half up, once, and takes it down at the end.
#pragma once
#include "table.h"

namespace pilot {

struct BootState {
  /** Up since the preload constructor: no signal was lost since the launcher. */
  bool preloaded;
  bool subreaper;
  /** The log pump runs: children's streams can be logged and captured. */
  bool pump;
  /** 0, or -errno of what could not be brought up; everything else works all the same. */
  int error;
};

/**
 * Table, subreaper, signals, reaper, log pump. `early`: called before Node runs, with every thread masked. Again: only the
 * answer. Every call of JavaScript that needs any of it begins here, so there is no "before".
 */
const BootState& boot(bool early);

/** Writes what the log pump still has (at most 500 ms), restores terminal and stdio flags, leaves with `code & 255`. */
[[noreturn]] void leave(int code);

/** leave() has been called: nothing is begun any more. */
bool leaving();
/** What is left of it when there is no time for the log. Async-signal-safe. */
[[noreturn]] void leave_at_once();

}  // namespace pilot
