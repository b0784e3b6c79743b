// Native threads: small stacks, names that show in ps, and never a signal of ours delivered to them.
#pragma once

namespace pilot {

/** Starts a detached thread with CP_BLOCKED_SET blocked; it never ends. At most `threads_max`. 0 or -errno. */
int thread_start(const char* name, void* (*body)());
inline constexpr int threads_max = 8;

/** Whether the caller is one of them. Async-signal-safe. */
bool thread_is_ours();

}  // namespace pilot
