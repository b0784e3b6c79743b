#include "thread.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#include "early.h"

namespace pilot {

static constexpr size_t stack_bytes = 256 * 1024;

int thread_start(const char* name, void* (*body)(void*), void* argument) {
  // A thread inherits its maker's mask (pthread_create(3)).
  uint64_t before = 0;
  int error = cp_mask(SIG_BLOCK, CP_BLOCKED_SET, &before);
  if (error != 0) return error;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread;
  error = -pthread_create(&thread, &attributes, body, argument);
  pthread_attr_destroy(&attributes);
  if (error == 0) pthread_setname_np(thread, name);
  cp_mask(SIG_SETMASK, before, nullptr);
  return error;
}

}  // namespace pilot
