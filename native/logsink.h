// The descriptor the log goes to: written without ever waiting for its reader and without touching its flags.
#pragma once
#include <sys/types.h>

#include <cstddef>

#include "logroom.h"
#include "logstate.h"

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
  /** A write may be tried now. Never blocks. */
  bool ready() const;
  /**
   * Writes from the beginning of what waits, whole lines, and goes on there in the next call: bytes taken, 0 when the reader
   * is stuck, -errno when the descriptor is of no use, and then what waits is to be thrown away.
   */
  ssize_t write(const char* data, size_t size);

 private:
  enum class Kind { pipe, socket, file, other };
  ssize_t write_once(const char* data, size_t size);
  /** How much may be written at once. `size`: so much waits. */
  size_t most(size_t size);

  int fd_ = -1;
  bool owned_ = false;
  Kind kind_ = Kind::other;
  /** The kernel can write to this pipe without blocking, whatever its flags. */
  bool nowait_ = false;
  LogRoom room_;
  LogStage& stage_ = log_state.stage;
};

}  // namespace pilot
