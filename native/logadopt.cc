#include "logadopt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pilot {

LogRegion* log_region_take(int fd) {
  struct stat found;
  if (fd < 0 || fstat(fd, &found) != 0 || found.st_size != static_cast<off_t>(sizeof(LogRegion))) return nullptr;
  void* address = mmap(nullptr, sizeof(LogRegion), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (address == MAP_FAILED) return nullptr;
  LogRegion* region = static_cast<LogRegion*>(address);
  if (region->magic == log_region_magic && region->version == log_region_version && region->runs_max == log_runs_max) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return region;
  }
  munmap(address, sizeof(LogRegion));
  return nullptr;
}

static void keep_descriptor(int fd, bool keep) {
  if (fd > STDERR_FILENO) fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static LogMode mode_kept() {
  uint64_t word = log_state.region->mode.load();
  LogMode mode;
  memcpy(&mode, &word, sizeof mode);
  return mode;
}

void log_mode_keep(LogMode mode) {
  uint64_t word;
  memcpy(&word, &mode, sizeof word);
  log_state.region->mode.store(word);
}

void log_keep_over_exec(bool keep) {
  LogRegion* region = log_state.region;
  if (region == nullptr) return;
  keep_descriptor(pump_fd(), keep);
  LogMode mode = mode_kept();
  if (mode.owned) keep_descriptor(mode.fd, keep);
  for (uint32_t i = 0; i < log_runs_max; i++) {
    if (region->ids[i].load() == 0) continue;
    for (const LogStream& stream : region->runs[i].streams) keep_descriptor(stream.fd, keep);
  }
}

bool log_run_known(uint32_t run) {
  if (log_state.region == nullptr) return false;
  for (uint32_t i = 0; i < log_runs_max; i++)
    if (log_state.region->ids[i].load() == run) return true;
  return false;
}

static void resume_run(uint32_t index, bool (*started)(uint32_t run, int32_t* pid)) {
  LogRegion* region = log_state.region;
  LogRun* run = &region->runs[index];
  // The write ends are gone with the exec.
  run->child_fds[0] = run->child_fds[1] = -1;
  for (uint32_t i = 0; i < 2; i++) {
    const LogStream& stream = run->streams[i];
    if (stream.fd < 0) continue;
    keep_descriptor(stream.fd, false);
    log_watch(EPOLL_CTL_ADD, log_epoll_of(stream), stream.fd, 2 * index + i, EPOLLIN);
  }
  uint32_t flags = run->flags.load();
  if ((flags & log_run_live) == 0) {
    if (!started(region->ids[index].load(), &run->pid)) return pump_abandon(region->ids[index].load());
    run->flags.fetch_or(log_run_live);
  }
  log_state.changes[index / 64].fetch_or(UINT64_C(1) << index % 64);
}

void log_runs_resume(bool (*started)(uint32_t run, int32_t* pid)) {
  LogMode mode = mode_kept();
  if (mode.valid) {
    if (mode.owned) keep_descriptor(mode.fd, false);
    log_state.mode.store(mode);
    log_state.next_mode.store(mode);
  }
  for (uint32_t i = 0; i < log_runs_max; i++)
    if (log_state.region->ids[i].load() != 0) resume_run(i, started);
}

}  // namespace pilot
