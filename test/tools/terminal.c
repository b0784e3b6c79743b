#define _GNU_SOURCE
#include "container.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static bool copy_some(int from, int to) {
  char buffer[4096];
  ssize_t got = read(from, buffer, sizeof buffer);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  for (ssize_t done = 0; done < got;) {
    ssize_t put = write(to, buffer + done, (size_t)(got - done));
    if (put < 0 && errno != EINTR) return false;
    if (put > 0) done += put;
  }
  return true;
}

void pump_terminal(int master) {
  struct pollfd ends[] = {{.fd = master, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
  for (;;) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) return;
    /* EIO on the master: the last descriptor of the terminal was closed. */
    if (ends[0].revents && !copy_some(master, STDOUT_FILENO)) return;
    if (ends[1].revents && !copy_some(STDIN_FILENO, master)) ends[1].fd = -1;
  }
}
