// The way of many lines at once into a pipe that others write to as well.
#pragma once
#include <sys/types.h>

#include <cstddef>

namespace pilot {

/**
 * A write of more than PIPE_BUF into a pipe may be cut anywhere when the pipe fills up, and then somebody else's text stands
 * in the middle of a line (pipe(7)). So lines are first written into a pipe of our own, piece by piece, each at most PIPE_BUF
 * and ended by a line's end where there is one: each page of it then ends so, too. splice(2) moves whole pages from there to
 * the log, as many as there is room for, without copying and without waiting: it can be cut only between pages.
 */
class LogStage {
 public:
  /** Once, before all else; without descriptors to be had it never works. */
  void open();
  /** Forgets what is staged. `wanted`: there is use for a stage. */
  void restart(bool wanted);
  /** pass may be called. */
  bool works() const { return works_; }
  /** So many of the first bytes that wait are staged, and not moved on. */
  size_t bytes() const { return bytes_; }
  /**
   * Stages what it can of `data`, whose first `bytes()` bytes are staged already, and moves it on: bytes moved, 0 when the
   * reader is stuck or splice is not to be had (then `works` is false), -errno when the pipe is of no use.
   */
  ssize_t pass(const char* data, size_t size, int fd);

 private:
  void empty();

  /** Both ends do not block; -1: there were no descriptors for them. */
  int ends_[2] = {-1, -1};
  size_t bytes_ = 0;
  bool works_ = false;
};

}  // namespace pilot
