#include "logsink.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace pilot {

/** RWF_NOWAIT of pwritev2(2), by number: older headers lack it. */
static constexpr int write_nowait = 8;

void LogSink::use(int fd, bool owned) {
  if (owned_) close(fd_);
  fd_ = fd;
  owned_ = owned;
  struct stat about = {};
  bool known = fstat(fd, &about) == 0;
  kind_ = known && S_ISFIFO(about.st_mode) ? Kind::pipe : known && S_ISSOCK(about.st_mode) ? Kind::socket : Kind::other;
  nowait_ = kind_ == Kind::pipe;
}

bool LogSink::ready() const {
  if (nowait_ || kind_ == Kind::socket) return true;
  // A pipe is POLLOUT when a whole page of its ring is free, and a write of up to PIPE_BUF then goes into it at once
  // (pipe(7)). Only another writer that is quicker can still make ours wait; this thread alone would notice. The same goes
  // for a terminal that is stopped by Ctrl-S with less room than we write. Errors count as ready: the write tells them.
  struct pollfd one = {fd_, POLLOUT, 0};
  return poll(&one, 1, 0) > 0;
}

ssize_t LogSink::write(const char* data, size_t size) {
  for (;;) {
    ssize_t count;
    if (kind_ == Kind::socket) {
      count = send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (nowait_) {
      struct iovec piece = {const_cast<char*>(data), size};
      // Offset -1: at the file's own position, as write does.
      count = syscall(SYS_pwritev2, fd_, &piece, 1UL, -1L, -1L, write_nowait);
    } else {
      struct iovec piece = {const_cast<char*>(data), size};
      count = writev(fd_, &piece, 1);
    }
    if (count >= 0) return count;
    int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN) return 0;
    // Pipes learnt it in Linux 6.4, pwritev2 itself may be missing or forbidden; from now on poll decides.
    if (nowait_ && (error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EPERM)) {
      nowait_ = false;
      return 0;
    }
    return -error;
  }
}

}  // namespace pilot
