// Owner of a descriptor.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace pilot {

/**
 * Moves a descriptor out of 0-2, keeping it close-on-exec: an init started with closed stdio must not have its own files
 * taken for a child's streams. Passes errors (-1) on.
 */
inline int above_stdio(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  int error = errno;
  close(fd);
  errno = error;
  return moved;
}

/** Closes what it holds; -1 holds nothing. */
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

}  // namespace pilot
