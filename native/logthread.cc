#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bitset.h"
#include "futex.h"
#include "gate.h"
#include "loglines.h"
#include "logoutput.h"
#include "logstate.h"
#include "queue.h"
#include "table.h"

namespace pilot {
namespace {

/** All the thread does. What must outlive the program is in the region, the rest can be found out again. */
class LogThread {
 public:
  [[noreturn]] void work() {
    resume();
    for (;;) {
      output_.take_mode();
      take_changes();
      output_.take_own_lines();
      take_blocked();
      output_.write_out();
      close_overdue();
      answer_flush();
      wait();
    }
  }

 private:
  // ---- streams ----

  LogRun* run_of(uint32_t number) { return &region_->runs[number / 2]; }
  LogStream* stream_of(uint32_t number) { return &run_of(number)->streams[number % 2]; }
  char* buffer_of(uint32_t number) { return region_->buffers[number / 2][number % 2]; }
  bool closed(uint32_t number) { return (run_of(number)->flags.load() & log_run_closed) != 0; }

  /** Passes the lines of a stream; `rest`: its unterminated one, too. False when the output is full before the end. */
  bool pass_lines(uint32_t number, bool rest) {
    // After the read: what a child said after the settings were changed must not go to the old descriptor.
    output_.take_mode();
    LogRun* run = run_of(number);
    LogStream* stream = stream_of(number);
    bool shown = output_.children_pass();
    bool remembered = !closed(number);
    int64_t wall_ns = log_clock_ns(CLOCK_REALTIME);
    for (;;) {
      GatePass pass(log_state.gate);
      for (int i = 0; i < lines_a_pass; i++) {
        if (shown && output_.full()) {
          blocked_.set(number);
          return false;
        }
        LogLine line;
        if (!log_take_line(stream, buffer_of(number), rest, &line)) {
          log_make_room(stream, buffer_of(number));
          blocked_.clear(number);
          return true;
        }
        if (remembered) log_tail_add(&run->tail, line.text);
        if (shown) output_.add_child_line(*run, wall_ns, line.text, line.part);
      }
    }
  }

  /** Goes on with streams that have lines left since the output was full. */
  void take_blocked() {
    for (uint32_t i = blocked_.next(0); i < 2 * log_runs_max && !output_.full(); i = blocked_.next(i + 1)) pass_stream(i);
  }

  /** Passes what can be passed, and does what follows from a stream's end. */
  bool pass_stream(uint32_t number) {
    bool ended = stream_of(number)->fd < 0;
    if (!pass_lines(number, ended)) return false;
    if (ended) stream_ended(number / 2);
    return true;
  }

  /** Passes unterminated lines of streams that go on: nobody shall wait for the newline of a process left behind. */
  void pass_rest(uint32_t index) {
    for (uint32_t i = 2 * index; i < 2 * index + 2; i++) {
      if (stream_of(i)->kind == LogStreamKind::log && stream_of(i)->fd >= 0) pass_lines(i, true);
    }
  }

  void stream_ended(uint32_t index) {
    LogRun* run = &region_->runs[index];
    for (uint32_t i = 0; i < 2; i++) {
      if (run->streams[i].fd >= 0 || blocked_.has(2 * index + i)) return;
    }
    uint32_t flags = run->flags.load();
    if ((flags & log_run_exited) != 0 && (flags & log_run_closed) == 0) close_run(index, false);
    log_run_mark(index, log_run_ended);
  }

  /** Several reads, as long as there is much to read; then it is another stream's turn. */
  void read_stream(uint32_t number) {
    if ((run_of(number)->flags.load() & log_run_live) == 0) return;
    for (int i = 0; i < reads_max && stream_of(number)->fd >= 0; i++) {
      if (blocked_.has(number) && !pass_stream(number)) return;
      bool eager = eager_.has(number);
      if (read_item(number) < static_cast<ssize_t>(eager ? log_much_bytes : log_item_bytes)) return;
      if (output_.full()) output_.write_out();
    }
  }

  /**
   * One read; its result. What is captured beyond the bound is read to be forgotten. A stream that filled its last read is
   * given all its buffer has; one that never does stays in its buffer's first pages.
   */
  ssize_t read_item(uint32_t number) {
    LogStream* stream = stream_of(number);
    bool capture = stream->kind == LogStreamKind::capture;
    char forgotten[log_item_bytes];
    bool kept = !capture || stream->end < log_capture_bytes_max;
    size_t size = kept && eager_.has(number) ? log_stream_bytes - stream->end : log_item_bytes;
    ssize_t count;
    {
      GatePass pass(log_state.gate);
      // Non-blocking and ours alone, so it needs no poll.
      count = read(stream->fd, kept ? buffer_of(number) + stream->end : forgotten, size);
      if (count >= static_cast<ssize_t>(log_item_bytes))
        eager_.set(number);
      else
        eager_.clear(number);
      if (count > 0 && kept) stream->end += static_cast<uint32_t>(count);
      if (capture && stream->end > log_capture_bytes_max) stream->end = log_capture_bytes_max;
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return count;
      if (count <= 0) log_stream_drop(stream);
    }
    if (!capture) {
      pass_stream(number);
    } else if (count <= 0) {
      stream_ended(number / 2);
    }
    return count;
  }

  /** Finds out what an earlier program's thread knew: which streams have lines left, and which ends nobody was told. */
  void resume() {
    for (uint32_t i = 0; i < log_runs_max; i++) {
      if (region_->ids[i].load() == 0) continue;
      LogRun* run = &region_->runs[i];
      uint32_t flags = run->flags.load();
      if ((flags & log_run_live) == 0) continue;
      bool ended = (flags & log_run_ended) != 0;
      for (uint32_t j = 2 * i; !ended && j < 2 * i + 2; j++)
        if (stream_of(j)->kind == LogStreamKind::log) blocked_.set(j);
      if (!ended) stream_ended(i);
      if ((flags & log_run_closed) != 0) tell_again(i);
    }
  }

  /** Its event was sent, but perhaps not heard. */
  void tell_again(uint32_t index) {
    const cp_child* child = table_find_run(region_->ids[index].load());
    if (child != nullptr && (cp_load(child->owed) & CP_OWES_CLOSED) != 0)
      close_run(index, false);
    else
      log_run_mark(index, log_run_released);
  }

  // ---- ends of runs ----

  void take_changes() {
    for (uint32_t word = 0; word < log_runs_max / 64; word++) {
      uint64_t bits = log_state.changes[word].load() == 0 ? 0 : log_state.changes[word].exchange(0);
      for (; bits != 0; bits &= bits - 1) look_at_run(word * 64 + static_cast<uint32_t>(__builtin_ctzll(bits)));
    }
  }

  void look_at_run(uint32_t index) {
    LogRun* run = &region_->runs[index];
    uint32_t flags = run->flags.load();
    // The reaper was quicker than the thread that spawned, which will ask again.
    if ((flags & log_run_live) == 0) return;
    // Its streams ended before we looked, and it was closed by that: from then on the entry may be another run's.
    if ((flags & log_run_closed) != 0) return;
    if ((flags & log_run_watched) == 0) {
      log_run_mark(index, log_run_watched);
      for (uint32_t i = 0; i < 2; i++) {
        const LogStream& stream = run->streams[i];
        if (stream.fd >= 0) log_watch(EPOLL_CTL_MOD, log_epoll_of(stream), stream.fd, 2 * index + i, EPOLLIN);
      }
    }
    if ((flags & log_run_exited) == 0) return;
    if ((flags & log_run_ended) != 0) return close_run(index, false);
    run->deadline_ms = log_monotonic_ms() + pump_drain_ms;
    draining_.set(index);
  }

  void close_run(uint32_t index, bool held) {
    LogRun* run = &region_->runs[index];
    draining_.clear(index);
    Event event = {};
    event.type = EventType::closed;
    event.flag = held;
    event.run = region_->ids[index].load();
    const LogStream* captured = nullptr;
    for (int i = 1; i >= 0; i--) {
      const LogStream* stream = &run->streams[i];
      if (stream->kind != LogStreamKind::capture) continue;
      if (captured != nullptr && stream->end == 0) continue;
      captured = stream;
      event.text = region_->buffers[index][i];
      event.text_bytes = stream->end;
    }
    if (captured == nullptr) {
      event.text = run->text;
      event.text_bytes = log_tail_text(&run->tail, run->text);
    }
    log_run_mark(index, log_run_closed);
    queue_push(event);
  }

  /** A pipe that hung up has no writer any more, it only waits for the log's reader (poll(2)). */
  static bool has_writer(int fd) {
    struct pollfd one = {fd, POLLIN, 0};
    return fd >= 0 && poll(&one, 1, 0) >= 0 && (one.revents & POLLHUP) == 0;
  }

  void close_overdue() {
    for (uint32_t i = draining_.next(0); i < log_runs_max; i = draining_.next(i + 1)) {
      LogRun* run = &region_->runs[i];
      if (run->deadline_ms > log_monotonic_ms()) continue;
      pass_rest(i);
      close_run(i, has_writer(run->streams[0].fd) || has_writer(run->streams[1].fd));
    }
  }

  // ---- waiting ----

  bool flush_wanted() const { return static_cast<int32_t>(flush_seen_ - log_state.flush_done.load()) > 0; }

  /** Answers when a look at all streams, made after the question, found nothing and everything is written. */
  void answer_flush() {
    if (!quiet_ || !flush_wanted()) return;
    if (output_.pending() > 0 || output_.own_lines_wait() || blocked_.next(0) < 2 * log_runs_max) return;
    for (uint32_t i = 0; i < log_runs_max; i++) {
      // The id first: looking at an entry that was never used would take a page for it.
      if (region_->ids[i].load() == 0 || (region_->runs[i].flags.load() & log_run_live) == 0) continue;
      pass_rest(i);
    }
    output_.write_out();
    if (output_.pending() > 0) return;
    log_state.flush_done.store(flush_seen_);
    futex_wake(&log_state.flush_done, 1);
  }

  /** Milliseconds until something is to be done without being asked, -1: never. */
  int patience() {
    bool room = !output_.full();
    bool goes_on = room && (blocked_.next(0) < 2 * log_runs_max || output_.own_lines_wait());
    if (goes_on || (output_.pending() == 0 && flush_wanted())) return 0;
    int64_t earliest = -1;
    for (uint32_t i = draining_.next(0); i < log_runs_max; i = draining_.next(i + 1)) {
      int64_t deadline = region_->runs[i].deadline_ms;
      if (earliest < 0 || deadline < earliest) earliest = deadline;
    }
    if (earliest < 0) return -1;
    int64_t left = earliest - log_monotonic_ms();
    return left < 0 ? 0 : static_cast<int>(left);
  }

  void pause_logs(bool paused) {
    if (paused == paused_) return;
    paused_ = paused;
    uint32_t events = paused ? 0 : static_cast<uint32_t>(EPOLLIN);
    log_watch(EPOLL_CTL_MOD, log_state.main_epoll, log_state.logs_epoll, log_tag_logs, events);
  }

  void wait() {
    pause_logs(output_.full() && output_.children_pass());
    flush_seen_ = log_state.flush_wanted.load();
    int timeout_ms = patience();
    if (output_.pending() > 0) {
      struct pollfd both[2] = {{log_state.main_epoll, POLLIN, 0}, {output_.fd(), POLLOUT, 0}};
      poll(both, 2, timeout_ms);
      timeout_ms = 0;
    }
    struct epoll_event events[events_max];
    int count = epoll_wait(log_state.main_epoll, events, events_max, timeout_ms);
    quiet_ = !paused_ && count >= 0;
    for (int i = 0; i < count; i++) {
      uint64_t tag = events[i].data.u64;
      if (tag == log_tag_wake) {
        uint64_t calls;
        ssize_t got = read(log_state.wake_fd, &calls, sizeof calls);
        (void)got;
        continue;
      }
      quiet_ = false;
      if (tag == log_tag_logs) {
        read_logs();
      } else {
        read_stream(static_cast<uint32_t>(tag));
      }
    }
  }

  void read_logs() {
    struct epoll_event events[events_max];
    int count = epoll_wait(log_state.logs_epoll, events, events_max, 0);
    for (int i = 0; i < count; i++) read_stream(static_cast<uint32_t>(events[i].data.u64));
  }

  static constexpr int events_max = 16;
  static constexpr int reads_max = 8;
  /** Lines that are passed before somebody who wants to replace the program may do so. */
  static constexpr int lines_a_pass = 64;

  LogRegion* region_ = log_state.region;
  LogOutput output_;
  /** Streams with complete lines that the output had no room for. */
  BitSet<2 * log_runs_max> blocked_ = {};
  /** Streams that had more than one small read takes. */
  BitSet<2 * log_runs_max> eager_ = {};
  /** Runs that have ended and whose streams have not. */
  BitSet<log_runs_max> draining_ = {};
  /** `logs_epoll` is not looked at. */
  bool paused_ = false;
  uint32_t flush_seen_ = 0;
  /** The last look at all streams, made after `flush_seen_`, found nothing. */
  bool quiet_ = false;
};

}  // namespace

void* log_thread() {
  // On the thread's own stack: it never returns, and so nothing has to be constructed before main or destroyed at exit.
  LogThread thread;
  thread.work();
}

}  // namespace pilot
