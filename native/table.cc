#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "mapping.h"

namespace pilot {

cp_table* table = nullptr;
static int memfd = -1;

int table_fd() { return memfd; }

int table_make(bool in_file) {
  if (table != nullptr) return 0;
  void* memory = map_shared("containerpilot", sizeof(cp_table), in_file, &memfd);
  if (memory == nullptr) return -errno;
  table = static_cast<cp_table*>(memory);
  table->magic = CP_TABLE_MAGIC;
  table->version = CP_TABLE_VERSION;
  table->child_bytes = sizeof(cp_child);
  table->children_max = CP_CHILDREN_MAX;
  table->pid = getpid();
  table->log_fd = -1;
  table->main.status = CP_NOT_ENDED;
  table->command.launcher_fd = table->command.runtime_fd = -1;
  table->instant.streams[0] = table->instant.streams[1] = table->instant.control_fd = -1;
  return 0;
}

static bool is_ours(const cp_table* made) {
  return made->magic == CP_TABLE_MAGIC && made->version == CP_TABLE_VERSION && made->child_bytes == sizeof(cp_child) &&
         made->children_max == CP_CHILDREN_MAX && made->pid == getpid();
}

int table_take(int fd) {
  struct stat found;
  if (fstat(fd, &found) != 0) return -errno;
  if (found.st_size != (off_t)sizeof(cp_table)) return -EINVAL;
  void* memory = mmap(nullptr, sizeof(cp_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return -errno;
  if (!is_ours(static_cast<cp_table*>(memory))) {
    munmap(memory, sizeof(cp_table));
    return -EINVAL;
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  memfd = fd;
  table = static_cast<cp_table*>(memory);
  return 0;
}

bool table_adopts() { return cp_load(table->rebirth.count) > 0 || table->instant.run != 0; }

bool table_remember(const char* text, uint32_t bytes) {
  if (bytes > CP_MEMORY_BYTES) return false;
  cp_memory* memory = &table->memory;
  uint32_t next = 1 - cp_load(memory->current);
  memcpy(memory->text[next], text, bytes);
  cp_store(memory->bytes[next], bytes);
  cp_store(memory->current, next);
  return true;
}

cp_child* table_claim(uint32_t run, const char* job) {
  for (uint32_t i = 0; i < CP_CHILDREN_MAX; i++) {
    cp_child* child = &table->children[i];
    if (cp_load(child->state) != CP_FREE) continue;
    cp_store(child->pid, 0);
    cp_store(child->run, run);
    if (run > cp_load(table->last_run)) cp_store(table->last_run, run);
    child->status = 0;
    cp_store(child->exec_errno, 0);
    cp_store(child->owed, 0u);
    cp_store(child->foreground, 0u);
    cp_store(child->pumped, 0u);
    cp_store(child->adopted, 0u);
    child->started_ms = cp_now_ms();
    strncpy(child->job, job, CP_JOB_BYTES - 1);
    child->job[CP_JOB_BYTES - 1] = 0;
    if (i >= cp_load(table->children_high)) cp_store(table->children_high, i + 1);
    cp_store(child->state, (uint32_t)CP_SPAWNING);
    return child;
  }
  return nullptr;
}

cp_child* table_find_pid(int32_t pid) {
  uint32_t high = cp_load(table->children_high);
  for (uint32_t i = 0; i < high; i++) {
    cp_child* child = &table->children[i];
    uint32_t state = cp_load(child->state);
    if ((state == CP_SPAWNING || state == CP_RUNNING) && cp_load(child->pid) == pid) return child;
  }
  return nullptr;
}

cp_child* table_find_run(uint32_t run) {
  uint32_t high = cp_load(table->children_high);
  for (uint32_t i = 0; i < high; i++) {
    cp_child* child = &table->children[i];
    if (cp_load(child->state) != CP_FREE && cp_load(child->run) == run) return child;
  }
  return nullptr;
}

void table_told(uint32_t run, uint32_t owed) {
  cp_child* child = table_find_run(run);
  if (child == nullptr) return;
  uint32_t left = __atomic_and_fetch(&child->owed, ~owed, __ATOMIC_SEQ_CST);
  // An event of the group can only be drained after the reaper has let go of the entry.
  if (left == 0 && cp_load(child->state) == CP_GONE) cp_store(child->state, (uint32_t)CP_FREE);
}

}  // namespace pilot
