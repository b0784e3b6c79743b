#include "mapping.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unique_fd.h"

namespace pilot {

/** MFD_CLOEXEC of memfd_create(2), by number: older headers lack it. */
static constexpr unsigned memfd_cloexec = 1;

void* map_shared(const char* name, size_t bytes, bool wants_file, int* fd) {
  UniqueFd file(wants_file ? above_stdio((int)syscall(SYS_memfd_create, name, memfd_cloexec)) : -1);
  bool in_file = file.valid() && ftruncate(file.get(), (off_t)bytes) == 0;
  int flags = MAP_SHARED | MAP_NORESERVE | (in_file ? 0 : MAP_ANONYMOUS);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, in_file ? file.get() : -1, 0);
  *fd = -1;
  // Closing a descriptor of our own leaves errno as it is.
  if (memory == MAP_FAILED) return nullptr;
  if (in_file) *fd = file.release();
  return memory;
}

}  // namespace pilot
