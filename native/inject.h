// Mask injection: blocking our signals in threads that run already, for starts without the launcher.
#pragma once

namespace pilot {

/**
 * Blocks CP_BLOCKED_SET in every thread of this process, those of the runtime included; threads made later inherit it.
 * True when every thread was seen to have it; false (no /proc, no descriptor, a thread that does not answer within 3 s)
 * when signals have to be caught instead.
 */
bool inject_mask();

/** The signal it uses, sent by tgkill to our own threads only; blocked in every thread afterwards. */
inline constexpr int inject_signo = 64;

}  // namespace pilot
