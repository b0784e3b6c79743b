// The end without JavaScript: when the runtime is gone, the native half goes on and leaves with the application's code.
#pragma once
#include <cstdint>

namespace pilot {

/** The exit code of a container whose application ended with this wait status: the code, or 128 + signal. */
int exit_code_of(int32_t status);

/** Which run is the application (0: none), for the end without JavaScript. */
void dead_policy(uint32_t main, int grace_ms);

/** JavaScript will not come back. */
bool dead_js();

/** Called by the reaper with every ended run: leaves by _exit when JavaScript is dead and this is the application. */
void dead_after_exit(uint32_t run, int32_t status);

}  // namespace pilot
