// Says when it becomes the program that its words name (CLOCK_MONOTONIC, ns).
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct timespec now;
  char line[64];
  if (argc < 2) return 1;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length = snprintf(line, sizeof line, "exec %lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
  if (write(1, line, (size_t)length) < 0) return 1;
  execv(argv[1], argv + 1);
  return 127;
}
