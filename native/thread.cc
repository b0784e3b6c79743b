#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "early.h"

namespace pilot {

static constexpr size_t stack_bytes = size_t{256} * 1024;

struct Native {
  void* (*body)();
  // Not a thread_local: the first use of one in a signal handler may allocate.
  std::atomic<int32_t> tid;
};
static Native threads[threads_max];
static int threads_used = 0;

static int32_t own_tid() { return (int32_t)syscall(SYS_gettid); }

static void* thread_main(void* argument) {
  Native* native = static_cast<Native*>(argument);
  native->tid.store(own_tid());
  return native->body();
}

bool thread_is_ours() {
  int32_t tid = own_tid();
  for (const Native& native : threads)
    if (native.tid.load() == tid) return true;
  return false;
}

int thread_start(const char* name, void* (*body)()) {
  if (threads_used == threads_max) return -EAGAIN;
  Native* native = &threads[threads_used++];
  native->body = body;
  // A thread inherits its maker's mask (pthread_create(3)).
  uint64_t before = 0;
  int error = cp_mask(SIG_BLOCK, CP_BLOCKED_SET, &before);
  if (error != 0) return error;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread;
  error = -pthread_create(&thread, &attributes, thread_main, native);
  pthread_attr_destroy(&attributes);
  if (error == 0) pthread_setname_np(thread, name);
  cp_mask(SIG_SETMASK, before, nullptr);
  return error;
}

}  // namespace pilot
