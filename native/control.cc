#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "unique_fd.h"

namespace pilot {

static UniqueFd unix_socket() {
  return UniqueFd(above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
}

static int error_of(int result) { return result == 0 ? 0 : -errno; }

/** 0: nobody listens behind the file, or there is none any more. */
static int probe(const sockaddr_un& address) {
  UniqueFd fd = unix_socket();
  if (!fd.valid()) return -errno;
  int error = error_of(connect(fd.get(), (const sockaddr*)&address, sizeof address));
  // EAGAIN: its backlog is full, so somebody listens (connect(2)).
  if (error == 0 || error == -EAGAIN) return -EADDRINUSE;
  return error == -ECONNREFUSED || error == -ENOENT ? 0 : error;
}

static int bind_over(int fd, const sockaddr_un& address) {
  int error = error_of(bind(fd, (const sockaddr*)&address, sizeof address));
  if (error != -EADDRINUSE) return error;
  error = probe(address);
  if (error != 0) return error;
  if (unlink(address.sun_path) != 0 && errno != ENOENT) return -errno;
  return error_of(bind(fd, (const sockaddr*)&address, sizeof address));
}

/** A descriptor, or -errno. */
static int listen_at(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path[0] == 0) return -EINVAL;
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  UniqueFd fd = unix_socket();
  if (!fd.valid()) return -errno;
  // The file that bind makes has this mode less the umask: there is no moment with a wider one.
  if (fchmod(fd.get(), 0600) != 0) return -errno;
  int error = bind_over(fd.get(), address);
  if (error == 0) error = error_of(listen(fd.get(), SOMAXCONN));
  return error == 0 ? fd.release() : error;
}

// Most inits that share one folder, each with a name of its own.
static constexpr int sharing_max = 9;

ControlPlace control_listen(const char* path, bool elsewhere) {
  static const char* const folders[] = {"/run", "/dev/shm", "/tmp"};
  ControlPlace place = {};
  place.fd = listen_at(path);
  if (place.fd >= 0) {
    strcpy(place.path, path);
    return place;
  }
  place.error = place.fd;
  place.fd = -1;
  for (int n = 1; elsewhere && n <= sharing_max; n++) {
    for (const char* folder : folders) {
      char number[16] = "";
      if (n > 1) snprintf(number, sizeof number, "-%d", n);
      snprintf(place.path, sizeof place.path, "%s/containerpilot%s.socket", folder, number);
      int fd = listen_at(place.path);
      if (fd < 0) continue;
      place.fd = fd;
      return place;
    }
  }
  place.path[0] = 0;
  return place;
}

int64_t control_peer(int fd) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  return peer.uid;
}

}  // namespace pilot
