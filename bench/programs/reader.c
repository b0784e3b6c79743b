// Reads to the end; says how long the flood took, from its first byte to its last (ns), and what it says of CPU.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void) {
  static char buffer[65537];
  long long first = 0, last = 0, cpu = 0;
  for (ssize_t got; (got = read(0, buffer, sizeof buffer - 1)) > 0;) {
    buffer[got] = 0;
    const char *said = memmem(buffer, (size_t)got, "cpu ", 4);
    if (said) cpu = atoll(said + 4);
    if (!memmem(buffer, (size_t)got, "xxxxxxxxxx", 10)) continue;
    last = now();
    if (first == 0) first = last;
  }
  printf("flood %lld cpu %lld\n", last - first, cpu);
  return 0;
}
