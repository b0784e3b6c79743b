// The watchdog: JavaScript that does not come round for too long has hung, and is replaced as if it had crashed.
#pragma once

namespace pilot {

/** Seconds without an answer, unless CONTAINERPILOT_WATCHDOG says otherwise (0: never; at most a day). */
inline constexpr int watchdog_default_s = 30;

/** Reads the setting. Once, before the others. */
void watchdog_begin();
/** How long the thread that wakes JavaScript may sleep at most, -1: without limit. */
int watchdog_nap_ms();
/**
 * To be called by that thread after every nap: true when JavaScript is to be asked for a sign of life. Counts the naps that
 * passed without one, not the time: a container that was frozen, or starved, has not slept any nap meanwhile.
 */
bool watchdog_wants_answer();
/** JavaScript has come round. */
void watchdog_answer();

}  // namespace pilot
