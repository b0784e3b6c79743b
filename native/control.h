// The control socket, before and without JavaScript: it is there when the first program starts, and connections wait in its
// backlog until somebody serves them.
#pragma once
#include <stdint.h>

namespace pilot {

/** Where it listens: a descriptor, or -1 when it does nowhere; `error` (-errno) says why not at the place that was wanted. */
struct ControlPlace {
  int fd;
  int error;
  char path[108];
};

/**
 * Listens on a Unix socket at `path`, with mode 0600 from its first moment on. A file that nobody listens behind (left by a
 * process that was killed) is replaced, as ContainerPilot 3.8.0 replaced any. `error`: -EADDRINUSE when somebody answers
 * there, -ENAMETOOLONG beyond 107 bytes. `elsewhere`: where it cannot be, it goes to the first of /run, /dev/shm and /tmp
 * that it can be in.
 */
ControlPlace control_listen(const char* path, bool elsewhere);

/**
 * Has the signal thread wait for the first connection to a listening descriptor, which becomes an event (`knock`); once. False
 * where that thread has no descriptors to wait for: then somebody must serve it at once.
 */
bool control_watch(int fd);

/** The descriptor that is waited for, -1: none. For the signal thread. */
int control_door();

/** Somebody connects to what was waited for. For the signal thread. */
void control_knocked(int fd);

/** User of the process at the other end of an accepted connection (SO_PEERCRED, unix(7)), or -errno. */
int64_t control_peer(int fd);

}  // namespace pilot
