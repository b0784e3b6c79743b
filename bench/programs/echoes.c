// Says when each real-time signal 40 arrives (CLOCK_MONOTONIC, ns); ends on TERM.
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  sigset_t set;
  int signo = 0;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, 40);
  sigprocmask(SIG_BLOCK, &set, NULL);
  if (write(1, "ready 0\n", 8) < 0) return 1;
  while (sigwait(&set, &signo) == 0 && signo != SIGTERM) {
    struct timespec now;
    char line[64];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(line, sizeof line, "signal %lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
    if (write(1, line, (size_t)length) < 0) return 1;
  }
  return 0;
}
