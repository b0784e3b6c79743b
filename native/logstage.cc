#include "logstage.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "loglines.h"
#include "unique_fd.h"

namespace pilot {

void LogStage::open() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
  UniqueFd out(above_stdio(ends[0])), in(above_stdio(ends[1]));
  if (!out.valid() || !in.valid()) return;
  ends_[0] = out.release();
  ends_[1] = in.release();
}

void LogStage::empty() {
  char forgotten[log_item_bytes];
  while (bytes_ > 0) {
    ssize_t count = read(ends_[0], forgotten, sizeof forgotten);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    bytes_ -= static_cast<size_t>(count);
  }
  bytes_ = 0;
}

void LogStage::restart(bool wanted) {
  empty();
  works_ = wanted && ends_[0] >= 0;
}

ssize_t LogStage::pass(const char* data, size_t size, int fd) {
  while (bytes_ < size) {
    // All or nothing, being at most PIPE_BUF: pipe(7).
    ssize_t count = write(ends_[1], data + bytes_, log_whole_lines(data + bytes_, size - bytes_, log_item_bytes));
    if (count <= 0) break;
    bytes_ += static_cast<size_t>(count);
  }
  if (bytes_ == 0) {
    // No memory for a page.
    works_ = false;
    return 0;
  }
  for (;;) {
    ssize_t count = splice(ends_[0], nullptr, fd, nullptr, bytes_, SPLICE_F_NONBLOCK);
    if (count > 0) bytes_ -= static_cast<size_t>(count);
    if (count >= 0) return count;
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return 0;
    int error = errno;
    empty();
    if (error == EPIPE || error == EBADF) return -error;
    // A seccomp profile may refuse it.
    works_ = false;
    return 0;
  }
}

}  // namespace pilot
