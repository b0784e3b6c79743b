// The end without JavaScript: when the runtime is gone, its thread is parked, the native half goes on, and the process
// leaves with the application's code.
#pragma once
#include <cstdint>

namespace pilot {

/** The exit code of a container whose application ended with this wait status: the code, or 128 + signal. */
int exit_code_of(int32_t status);

/**
 * From now on neither a fault nor exit() ends this process while the application lives. To be called after Node has set its
 * own handlers, on the JavaScript thread.
 */
void dead_install();

/** Which run is the application (0: none), and how long the others get to end after it. */
void dead_policy(uint32_t main, int grace_ms);

/** Called by the reaper with every run that has ended. */
void dead_after_exit(uint32_t run, int32_t status);

}  // namespace pilot
