#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "early.h"

int cp_mask(int how, uint64_t set, uint64_t* old) {
  return syscall(SYS_rt_sigprocmask, how, &set, old, sizeof set) == 0 ? 0 : -errno;
}
