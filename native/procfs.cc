#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pilot {

/** As getdents64(2) describes it. */
struct Dirent {
  uint64_t inode;
  int64_t next;
  uint16_t bytes;
  uint8_t type;
  char name[];
};

static int parse_number(const char* text) {
  int number = 0;
  if (*text == 0) return -1;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9' || number > 100000000) return -1;
    number = number * 10 + (*text - '0');
  }
  return number;
}

int each_number(const char* path, bool (*each)(int number, int dir_fd, void* context), void* context) {
  int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0) return -errno;
  alignas(Dirent) char buffer[2048];
  int result = 0;
  for (bool more = true; more;) {
    long bytes = syscall(SYS_getdents64, dir_fd, buffer, sizeof buffer);
    if (bytes < 0) result = -errno;
    if (bytes <= 0) break;
    for (long at = 0; at < bytes && more;) {
      const Dirent* entry = reinterpret_cast<const Dirent*>(buffer + at);
      int number = parse_number(entry->name);
      if (number >= 0) more = each(number, dir_fd, context);
      at += entry->bytes;
    }
  }
  close(dir_fd);
  return result;
}

ssize_t read_at(int dir_fd, const char* name, char* buffer, size_t bytes) {
  int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t have = 0;
  while (have < bytes - 1) {
    ssize_t got = read(fd, buffer + have, bytes - 1 - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += (size_t)got;
  }
  close(fd);
  buffer[have] = 0;
  return (ssize_t)have;
}

bool proc_is_ours() {
  char name[16], self[16];
  ssize_t bytes = readlink("/proc/self", name, sizeof name - 1);
  if (bytes <= 0) return false;
  name[bytes] = 0;
  put_number(self, getpid());
  return strcmp(name, self) == 0;
}

void make_printable(char* name) {
  for (char* at = name; *at != 0; at++)
    if ((*at < ' ' && *at > 0) || *at == 0x7f) *at = '?';
  if (name[0] == 0) strcpy(name, "?");
}

char* put_number(char* buffer, int number) {
  char digits[12];
  int count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (count > 0) *buffer++ = digits[--count];
  *buffer = 0;
  return buffer;
}

}  // namespace pilot
