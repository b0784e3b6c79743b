#include "logsink.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "loglines.h"

namespace pilot {

/** RWF_NOWAIT of pwritev2(2), by number: older headers lack it. */
static constexpr int write_nowait = 8;
/** One write to a regular file: the kernel lets no other writer in between (it holds the inode's lock), whatever the size. */
static constexpr size_t file_bytes_max = size_t{64} * 1024;

void LogSink::use(int fd, bool owned) {
  if (owned_) close(fd_);
  fd_ = fd;
  owned_ = owned;
  struct stat about = {};
  mode_t type = fstat(fd, &about) == 0 ? about.st_mode & S_IFMT : 0;
  kind_ = type == S_IFIFO ? Kind::pipe : type == S_IFSOCK ? Kind::socket : type == S_IFREG ? Kind::file : Kind::other;
  nowait_ = kind_ == Kind::pipe;
  stage_.restart(kind_ == Kind::pipe);
  room_.restart(fd, nowait_);
}

size_t LogSink::most(size_t size) {
  if (kind_ == Kind::file) return file_bytes_max;
  if (!nowait_ || log_state.shared.load()) room_.give_up();
  size_t room = size > log_item_bytes ? room_.look(fd_) : 0;
  return room > log_item_bytes ? room : log_item_bytes;
}

bool LogSink::ready() const {
  if (nowait_ || stage_.works() || kind_ == Kind::socket) return true;
  // A pipe is POLLOUT when a whole page of its ring is free, and a write of up to PIPE_BUF then goes into it at once
  // (pipe(7)). Only another writer that is quicker can still make ours wait; this thread alone would notice. The same goes
  // for a terminal that is stopped by Ctrl-S with less room than we write. Errors count as ready: the write tells them.
  struct pollfd one = {fd_, POLLOUT, 0};
  return poll(&one, 1, 0) > 0;
}

ssize_t LogSink::write_once(const char* data, size_t size) {
  for (;;) {
    struct iovec piece = {const_cast<char*>(data), size};
    ssize_t count;
    if (kind_ == Kind::socket) {
      count = send(fd_, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (nowait_) {
      // Offset -1: at the file's own position, as write does.
      count = syscall(SYS_pwritev2, fd_, &piece, 1UL, -1L, -1L, write_nowait);
    } else {
      count = writev(fd_, &piece, 1);
    }
    if (count >= 0) return count;
    int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN) return 0;
    // Pipes learnt it in Linux 6.4, pwritev2 itself may be missing or forbidden; from now on splice or poll decides.
    if (nowait_ && (error == EOPNOTSUPP || error == ENOSYS || error == EINVAL || error == EPERM)) {
      nowait_ = false;
      return 0;
    }
    return -error;
  }
}

ssize_t LogSink::write(const char* data, size_t size) {
  size_t most_bytes = most(size);
  // A small piece joins others on its page of the pipe; what is staged has to go first.
  if (stage_.works() && !room_.known() && (stage_.bytes() > 0 || size > log_item_bytes || !nowait_)) {
    ssize_t count = stage_.pass(data, size, fd_);
    if (stage_.works()) return count;
  }
  size = log_whole_lines(data, size, most_bytes);
  ssize_t count = write_once(data, size);
  if (count > 0) room_.note(static_cast<size_t>(count));
  // Less room than there must have been: somebody else was quicker.
  if (count > 0 && static_cast<size_t>(count) < size) room_.give_up();
  return count;
}

}  // namespace pilot
