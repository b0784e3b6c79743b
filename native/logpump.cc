#include "logpump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "loglines.h"
#include "logadopt.h"
#include "logstate.h"
#include "mapping.h"
#include "table.h"
#include "thread.h"
#include "unique_fd.h"

namespace pilot {

LogState log_state;

static void close_fd(int32_t* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static int region_fd = -1;

/** Whether a run's child was started: its pid, as the kernel wrote it. */
static bool run_started(uint32_t run, int32_t* pid) {
  cp_child* child = table_find_run(run);
  if (child == nullptr || cp_load(child->pid) <= 1) return false;
  *pid = cp_load(child->pid);
  return true;
}

/** Pages are taken when they are touched and given back when a run is done (log_run_mark). */
static int make_region() {
  void* address = map_shared("containerpilot-log", sizeof(LogRegion), true, &region_fd);
  if (address == nullptr) return -errno;
  LogRegion* region = static_cast<LogRegion*>(address);
  region->magic = log_region_magic;
  region->version = log_region_version;
  region->runs_max = log_runs_max;
  region->started_ns = log_clock_ns(CLOCK_REALTIME);
  log_state.region = region;
  if (table != nullptr) cp_store(table->log_fd, region_fd);
  return 0;
}

int pump_fd() { return region_fd; }

int log_watch(int operation, int epoll, int fd, uint64_t tag, uint32_t events) {
  struct epoll_event event = {};
  event.events = events;
  event.data.u64 = tag;
  return epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

static int start_thread(bool adopted) {
  log_state.wake_fd = above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  log_state.main_epoll = above_stdio(epoll_create1(EPOLL_CLOEXEC));
  log_state.logs_epoll = above_stdio(epoll_create1(EPOLL_CLOEXEC));
  if (log_state.wake_fd < 0 || log_state.main_epoll < 0 || log_state.logs_epoll < 0) return -errno;
  log_state.stage.open();
  // What an earlier program or the launcher has started may have our streams.
  log_state.shared.store(table != nullptr && table_adopts());
  int error = log_watch(EPOLL_CTL_ADD, log_state.main_epoll, log_state.wake_fd, log_tag_wake, EPOLLIN);
  if (error == 0) error = log_watch(EPOLL_CTL_ADD, log_state.main_epoll, log_state.logs_epoll, log_tag_logs, EPOLLIN);
  if (error == 0 && adopted)
    log_runs_resume(run_started);
  else if (error == 0)
    error = pump_settings({LogLevel::info, LogFormat::plain, LogDialect::v3, STDOUT_FILENO});
  gate_register(&log_state.gate);
  if (error == 0) error = thread_start("cp-logs", log_thread);
  return error;
}

int pump_start() {
  // The zone's file is read here, where allocating is no risk yet.
  tzset();
  int error = 0;
  if (table != nullptr && table_adopts()) log_state.region = log_region_take(cp_load(table->log_fd));
  bool adopted = log_state.region != nullptr;
  if (adopted)
    region_fd = cp_load(table->log_fd);
  else
    error = make_region();
  if (error == 0) error = start_thread(adopted);
  if (error == 0) return 0;
  if (log_state.region != nullptr) munmap(log_state.region, sizeof(LogRegion));
  log_state.region = nullptr;
  for (int* fd : {&region_fd, &log_state.wake_fd, &log_state.main_epoll, &log_state.logs_epoll}) close_fd(fd);
  return error;
}

void log_wake() {
  uint64_t one = 1;
  // EAGAIN: the counter is full, so the thread has enough to wake up for.
  ssize_t written = write(log_state.wake_fd, &one, sizeof one);
  (void)written;
}

/** log_runs_max when there is no such run, or no pump. */
static uint32_t find_run(uint32_t run) {
  if (log_state.region == nullptr) return log_runs_max;
  uint32_t index = 0;
  while (index < log_runs_max && log_state.region->ids[index].load(std::memory_order_acquire) != run) index++;
  return index;
}

void log_stream_drop(LogStream* stream) {
  if (stream->fd >= 0) epoll_ctl(log_epoll_of(*stream), EPOLL_CTL_DEL, stream->fd, nullptr);
  close_fd(&stream->fd);
}

static int open_stream(LogRun* run, uint32_t index, int which, LogStreamKind kind) {
  LogStream* stream = &run->streams[which];
  *stream = {kind, -1, 0, 0, 0, 0};
  run->child_fds[which] = -1;
  if (kind == LogStreamKind::none) return 0;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  stream->fd = above_stdio(ends[0]);
  int error = stream->fd < 0 ? -errno : 0;
  run->child_fds[which] = above_stdio(ends[1]);
  if (error == 0 && run->child_fds[which] < 0) error = -errno;
  // Only the read end: each end of a pipe has flags of its own, and the child shall block.
  if (error == 0 && fcntl(stream->fd, F_SETFL, O_NONBLOCK) != 0) error = -errno;
  // No events before pump_run; nor can it hang up by then, since we hold the other end.
  if (error == 0) error = log_watch(EPOLL_CTL_ADD, log_epoll_of(*stream), stream->fd, index * 2 + static_cast<uint32_t>(which), 0);
  return error;
}

static void free_entry(uint32_t index) {
  LogRegion* region = log_state.region;
  uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  uintptr_t start = reinterpret_cast<uintptr_t>(region->buffers[index]);
  uintptr_t end = (start + sizeof region->buffers[index]) & ~(page - 1);
  start = (start + page - 1) & ~(page - 1);
  madvise(reinterpret_cast<void*>(start), end - start, MADV_REMOVE);
  region->runs[index].flags.store(0, std::memory_order_relaxed);
  region->ids[index].store(0, std::memory_order_release);
}

void log_run_mark(uint32_t index, uint32_t flag) {
  constexpr uint32_t all = log_run_ended | log_run_released;
  uint32_t before = log_state.region->runs[index].flags.fetch_or(flag, std::memory_order_acq_rel);
  if ((before & all) != all && ((before | flag) & all) == all) free_entry(index);
}

/** A free entry for a run that is about to begin; -errno without one. */
static int new_run(uint32_t* index, const LogField* fields, size_t field_count) {
  if (log_state.region == nullptr) return -ENOSYS;
  *index = find_run(0);
  if (*index == log_runs_max) return -ENFILE;
  LogRun* run = &log_state.region->runs[*index];
  run->pid = 0;
  run->deadline_ms = 0;
  run->tail.total = 0;
  run->field_bytes = log_pack_fields(fields, field_count, run->fields);
  return 0;
}

int pump_take(uint32_t id, pid_t pid, const int32_t fds[2], const LogField* fields, size_t field_count) {
  uint32_t index = 0;
  int error = new_run(&index, fields, field_count);
  if (error != 0) return error;
  LogRun* run = &log_state.region->runs[index];
  for (uint32_t i = 0; i < 2; i++) {
    run->streams[i] = {fds[i] < 0 ? LogStreamKind::none : LogStreamKind::log, fds[i], 0, 0, 0, 0};
    run->child_fds[i] = -1;
  }
  log_state.region->ids[index].store(id, std::memory_order_release);
  for (uint32_t i = 0; i < 2; i++)
    if (fds[i] >= 0) log_watch(EPOLL_CTL_ADD, log_epoll_of(run->streams[i]), fds[i], index * 2 + i, 0);
  pump_run(id, pid);
  return 0;
}

int pump_open(uint32_t id, LogStreamKind out, LogStreamKind err, const LogField* fields, size_t field_count,
              int child_fds[2]) {
  uint32_t index = 0;
  int found = new_run(&index, fields, field_count);
  if (found != 0) return found;
  LogRun* run = &log_state.region->runs[index];
  int error = open_stream(run, index, 0, out);
  int error_err = open_stream(run, index, 1, error == 0 ? err : LogStreamKind::none);
  if (error == 0) error = error_err;
  if (error != 0) {
    for (int i = 0; i < 2; i++) {
      log_stream_drop(&run->streams[i]);
      close_fd(&run->child_fds[i]);
    }
    return error;
  }
  for (int i = 0; i < 2; i++) child_fds[i] = run->child_fds[i];
  log_state.region->ids[index].store(id, std::memory_order_release);
  return 0;
}

/** Makes the thread look at a run's flags. */
static void tell_change(uint32_t index) {
  log_state.changes[index / 64].fetch_or(UINT64_C(1) << index % 64);
  log_wake();
}

void pump_run(uint32_t id, pid_t pid) {
  uint32_t index = find_run(id);
  if (index == log_runs_max) return;
  LogRun* run = &log_state.region->runs[index];
  run->pid = pid;
  run->flags.fetch_or(log_run_live);
  tell_change(index);
  // Not before it is live: a pipe that hangs up reports itself, asked or not.
  for (int32_t& fd : run->child_fds) close_fd(&fd);
}

void pump_abandon(uint32_t id) {
  uint32_t index = find_run(id);
  if (index == log_runs_max) return;
  LogRun* run = &log_state.region->runs[index];
  for (int i = 0; i < 2; i++) {
    log_stream_drop(&run->streams[i]);
    close_fd(&run->child_fds[i]);
  }
  free_entry(index);
}

void pump_exited(uint32_t id) {
  uint32_t index = find_run(id);
  if (index == log_runs_max) return;
  log_state.region->runs[index].flags.fetch_or(log_run_exited);
  tell_change(index);
}

void pump_share() { log_state.shared.store(true); }

void pump_release(uint32_t id) {
  uint32_t index = find_run(id);
  if (index < log_runs_max) log_run_mark(index, log_run_released);
}

}  // namespace pilot
