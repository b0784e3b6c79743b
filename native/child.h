// For code that runs in a child between clone and exec, in memory shared with the init.
#pragma once

// Sanitizers know nothing of such a thread, so it is not instrumented. It calls the kernel directly: the C library's functions
// are cancellation points, and intercepted by the sanitizers.
#if defined(__clang__)
#define CP_CHILD __attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#else
#define CP_CHILD __attribute__((noinline, no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

// ThreadSanitizer, in gcc's words and in clang's.
#ifdef __SANITIZE_THREAD__
#define CP_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CP_UNDER_TSAN 1
#endif
#endif
