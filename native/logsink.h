// The descriptor the log goes to: written without ever waiting for its reader and without touching its flags.
#pragma once
#include <sys/types.h>

#include <cstddef>

namespace pilot {

/**
 * O_NONBLOCK would be the simple way, but it belongs to the open file description, which the application (it inherits our
 * stdout) and whoever reads the other end's flags share with us: fcntl(2). So each kind of file has its own way not to wait.
 */
class LogSink {
 public:
  /** Takes a descriptor; `owned`: it is closed when another one is taken. No destructor: the sink lives as long as we do. */
  void use(int fd, bool owned);
  int fd() const { return fd_; }
  /** A write of at most log_item_bytes may be tried now. Never blocks. */
  bool ready() const;
  /** Writes at most log_item_bytes: bytes taken, 0 when the reader is stuck, -errno when the descriptor is of no use. */
  ssize_t write(const char* data, size_t size);

 private:
  enum class Kind { pipe, socket, other };
  int fd_ = -1;
  bool owned_ = false;
  Kind kind_ = Kind::other;
  /** The kernel can write to this pipe without blocking, whatever its flags. */
  bool nowait_ = false;
};

}  // namespace pilot
