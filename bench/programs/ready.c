// Says when its first instruction runs (CLOCK_MONOTONIC, ns) and ends: as soon as TERM comes with `wait`, else at once. Its
// last words are the moment of its end.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what) {
  struct timespec now;
  char line[64];
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(line, sizeof line, "%s %lld\n", what, now.tv_sec * 1000000000LL + now.tv_nsec);
  if (write(1, line, (size_t)length) < 0) _exit(1);
}

int main(int argc, char **argv) {
  sigset_t set;
  int signo;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  say("ready");
  if (argc > 1 && strcmp(argv[1], "wait") == 0) sigwait(&set, &signo);
  say("end");
  return 0;
}
