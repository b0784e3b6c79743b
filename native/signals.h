// All signals of the process: one native thread takes them, forwards what the policy says, and reports every one.
#pragma once
#include <cstdint>

namespace pilot {

enum class SignalMode { blocked, handlers };

/**
 * Makes all signals ours and starts the thread. `masked`: every thread has CP_BLOCKED_SET blocked already (the preload).
 * Otherwise the mask is injected, or, where that is impossible, handlers catch what the threads are sent. `with_fd`: a
 * signalfd may be used, so that an exec never finds a signal taken and not yet forwarded. 0 or -errno.
 */
int signals_start(bool masked, bool with_fd);
SignalMode signals_mode();

/** Whether its thread waits for descriptors: then it looks at control_door() as well, again when it is told to. */
bool signals_wait_for_descriptors();
void signals_look_again();

/** Signals in `forward` (bit n-1 for signal n) go to the run `main` (0: to nobody) at once; all are reported. One thread. */
void signals_policy(uint32_t main, uint64_t forward);

/**
 * Who sent the last signal of this number that was handed on to the run. False when none was. Any thread: it is known from
 * before the signal is handed on.
 */
bool signals_sender(uint32_t run, int signo, int32_t* pid, uint32_t* uid);

/** Readable when a child has ended, for the reaper, who alone reads it; -1: reaper_wake is called instead. */
int signals_child_fd();

/** From now on JavaScript is dead: everything but SIGCHLD goes to the application. */
void signals_forward_all();

}  // namespace pilot
