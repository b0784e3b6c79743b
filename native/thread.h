// Native threads: small stacks, names that show in ps, and never a signal of ours delivered to them.
#pragma once

namespace pilot {

/** Starts a detached thread with CP_BLOCKED_SET blocked. 0 or -errno. */
int thread_start(const char* name, void* (*body)(void*), void* argument);

}  // namespace pilot
