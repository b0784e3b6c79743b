/* The monotonic clock, for the native half and the launcher alike: no library lock, so also in signal handlers. */
#ifndef CONTAINERPILOT_CLOCK_H
#define CONTAINERPILOT_CLOCK_H
#include <stdint.h>
#include <time.h>

static inline int64_t cp_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* A signal's handler may cut it short. */
static inline void cp_pause_ms(int ms) {
  struct timespec pause = {ms / 1000, (ms % 1000) * 1000000L};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

#endif
