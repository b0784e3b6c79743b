// Leaves N orphans behind, a hundred at a time, waits until init has reaped them all, and says how long that took (ns).
// With a second word it says `ready`, waits for signal 40 before, and a moment afterwards.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int processes(void) {
  int count = 0;
  DIR *proc = opendir("/proc");
  if (!proc) return -1;
  for (struct dirent *e; (e = readdir(proc));) count += e->d_name[0] >= '1' && e->d_name[0] <= '9';
  closedir(proc);
  return count;
}

int main(int argc, char **argv) {
  int left = argc > 1 ? atoi(argv[1]) : 1000;
  sigset_t set;
  int signo;
  sigemptyset(&set);
  sigaddset(&set, 40);
  sigprocmask(SIG_BLOCK, &set, NULL);
  if (argc > 2) {
    puts("ready");
    fflush(stdout);
    sigwait(&set, &signo);
  }
  int before = processes();
  long long start = now();
  for (; left > 0; left -= 100) {
    pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < 100; i++)
        if (fork() == 0) _exit(0);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  while (processes() > before) usleep(200);
  printf("reaped %lld\n", now() - start);
  fflush(stdout);
  if (argc > 2) usleep(300 * 1000);
  return 0;
}
