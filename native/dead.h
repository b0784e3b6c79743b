// The end without JavaScript: when the runtime is gone, its thread is parked, the native half goes on, and the process
// leaves with the application's code.
#pragma once
#include <cstdint>

namespace pilot {

/** The exit code of a container whose application ended with this wait status: the code, or 128 + signal. */
int exit_code_of(int32_t status);

/** Why JavaScript is about to end, in its own words; kept for the message about that end. */
void dead_last_words(uint32_t cause, const char* words, uint32_t bytes);

/** JavaScript does not answer: the same as if it had crashed. Returns only where the runtime cannot be replaced. */
void dead_hung();

/**
 * From now on neither a fault nor exit() ends this process while the application lives. To be called after Node has set its
 * own handlers, on the JavaScript thread. `with_runtime`: there is a JavaScript engine by now.
 */
void dead_install(bool with_runtime);

/** JavaScript gives up: the application goes on without it, and its code is the container's. Without an application: 70. */
[[noreturn]] void dead_park(const char* words);

/** Which run is the application (0: none), which signals go to it, and how long the others get to end after it. */
void dead_policy(uint32_t main, uint64_t forward, int grace_ms);

/** Called by the reaper with every run that has ended. */
void dead_after_exit(uint32_t run, int32_t status);

}  // namespace pilot
