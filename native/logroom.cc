#include "logroom.h"

#include <fcntl.h>
#include <sys/ioctl.h>

namespace pilot {

void LogRoom::restart(int fd, bool usable) {
  int capacity = usable ? fcntl(fd, F_GETPIPE_SZ) : 0;
  slots_ = capacity > 0 ? static_cast<size_t>(capacity) / page_bytes : 0;
  first_ = count_ = 0;
  bytes_ = used_ = blind_ = 0;
}

size_t LogRoom::look(int fd) {
  int unread = 0;
  if (slots_ == 0) return 0;
  if (blind_ > 0) {
    blind_--;
    return 0;
  }
  if (ioctl(fd, FIONREAD, &unread) != 0 || static_cast<size_t>(unread) > bytes_) {
    give_up();
    return 0;
  }
  while (count_ > 0 && bytes_ - writes_[first_].bytes >= static_cast<size_t>(unread)) {
    bytes_ -= writes_[first_].bytes;
    used_ -= writes_[first_].slots;
    first_ = (first_ + 1) % writes_max;
    count_--;
  }
  size_t kept = used_ + spare();
  if (kept + 1 < slots_) return (slots_ - kept) * page_bytes;
  blind_ = spare();
  return 0;
}

void LogRoom::note(size_t bytes) {
  if (slots_ == 0 || bytes == 0) return;
  Write write = {bytes, (bytes + page_bytes - 1) / page_bytes};
  bytes_ += write.bytes;
  used_ += write.slots;
  if (count_ < writes_max) {
    writes_[(first_ + count_++) % writes_max] = write;
    return;
  }
  Write& last = writes_[(first_ + count_ - 1) % writes_max];
  last = {last.bytes + write.bytes, last.slots + write.slots};
}

}  // namespace pilot
