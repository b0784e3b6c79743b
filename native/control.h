// The control socket, before and without JavaScript: it is there when the first program starts, and connections wait in its
// backlog until somebody serves them.
#pragma once
#include <stdint.h>

namespace pilot {

/**
 * Listens on a Unix socket at `path`, with mode 0600 from its first moment on. A file that nobody listens behind (left by a
 * process that was killed) is replaced, as ContainerPilot 3.8.0 replaced any. Returns a descriptor, or -errno: -EADDRINUSE
 * when somebody answers there, -ENAMETOOLONG beyond 107 bytes.
 */
int control_listen(const char* path);

/** User of the process at the other end of an accepted connection (SO_PEERCRED, unix(7)), or -errno. */
int64_t control_peer(int fd);

}  // namespace pilot
