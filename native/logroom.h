// How much may be written at once into a pipe that only we write to.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pilot {

/**
 * A write of more than PIPE_BUF is cut where the pipe is full, and then another writer's text may stand in the middle of a
 * line (pipe(7)). It cannot be full while we alone write to it and know how much of ours is still in it. That we are alone is
 * known where no child was given the pipe; whoever opens it as /proc/1/fd/1 is noticed by what is in it beyond our own, and an
 * eighth of it is kept free for the moment until then.
 */
class LogRoom {
 public:
  /** A pipe that is taken into use; `usable` false: we are never alone. */
  void restart(int fd, bool usable);
  /** Not alone any more. */
  void give_up() { slots_ = 0; }
  bool known() const { return slots_ > 0; }
  /** Bytes that surely go into the pipe now, a multiple of the page; 0: no more than PIPE_BUF should be tried. */
  size_t look(int fd);
  /** So much was written. */
  void note(size_t bytes);

 private:
  static constexpr size_t page_bytes = 4096;
  static constexpr uint32_t writes_max = 64;
  size_t spare() const { return slots_ / 8 + 1; }

  /** Bytes of a write and the pages it takes at most; fewer when it begins on the page of the one before it. */
  struct Write {
    size_t bytes, slots;
  };
  /** Pages of the pipe, 0: not alone. */
  size_t slots_ = 0;
  /** Writes that are not read completely, as far as we know, in a ring; the last one may stand for several. */
  Write writes_[writes_max] = {};
  uint32_t first_ = 0, count_ = 0;
  size_t bytes_ = 0, used_ = 0;
  /** There was no room a moment ago: so many single pages are tried before the next look. */
  size_t blind_ = 0;
};

}  // namespace pilot
