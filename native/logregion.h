// What the log pump keeps between two pieces of its work. It lies in one mapping of fixed layout, without pointers, and is
// consistent whenever the pump's gate is closed: enough to go on from after the program was replaced.
#pragma once
#include <atomic>
#include <cstdint>

#include "logpump.h"

namespace pilot {

/** A longer line is passed in parts of this many bytes. The originals gave such lines up. */
inline constexpr uint32_t log_line_bytes_max = 64 * 1024;
/** One read or write: PIPE_BUF, what a pipe that polls as writable takes without blocking (pipe(7)). */
inline constexpr uint32_t log_item_bytes = 4096;
/** What a pipe holds that is written faster than we read: so much at once makes another read worth it. */
inline constexpr uint32_t log_much_bytes = 32 * 1024;
/** A line of the greatest length, CR LF, and the read behind it. A multiple of the page, so that it can be given back. */
inline constexpr uint32_t log_stream_bytes = log_line_bytes_max + 2 * log_item_bytes;
/** What `capture` keeps of a stream; the rest is read and thrown away. */
inline constexpr uint32_t log_capture_bytes_max = 64 * 1024;
/** The last lines of a run, for messages about its end. */
inline constexpr uint32_t log_tail_bytes = 1024;
/** All fields of one line together, sizes included; values are cut to fit. */
inline constexpr uint32_t log_field_bytes_max = 2048;
/** Of the fields of a line, two are the pump's own: pid and part. */
inline constexpr uint32_t log_given_fields_max = log_fields_max - 2;
/** Formatted bytes that wait for the reader before children are no longer read. */
inline constexpr uint32_t log_out_high_bytes = 64 * 1024;
inline constexpr uint32_t log_out_bytes = 512 * 1024;
static_assert(log_out_high_bytes + 256 + 6 * (log_line_bytes_max + log_field_bytes_max) + 32 * log_fields_max <= log_out_bytes,
              "below the mark there is room for any line");
/** Our own lines that wait to be formatted. */
inline constexpr uint32_t log_own_bytes = 256 * 1024;
/**
 * Runs with a logged or captured stream at one time: as many as the child table holds, and again as many whose leader has
 * ended and whose streams are held by others.
 */
inline constexpr uint32_t log_runs_max = 1024;

/** Bytes [start, end) of its buffer have been read and are neither logged nor kept. */
struct LogStream {
  LogStreamKind kind;
  /** Read end of the pipe, -1 when it has ended. */
  int32_t fd;
  uint32_t start, end;
  /** So many bytes behind `start` hold no newline. */
  uint32_t scanned;
  /** Parts of the present line that have been passed. */
  uint32_t part;
};

/** Last lines, each with its newline; a ring. */
struct LogTail {
  uint64_t total;
  char bytes[log_tail_bytes];
};

/** What has happened to a run, bits. It is free again after `ended` and `released`. */
enum LogRunFlag : uint32_t {
  /** The child runs: its streams are the thread's. */
  log_run_live = 1,
  /** Its leader has ended. */
  log_run_exited = 2,
  /** The event `closed` has been sent: its text is not ours any more. */
  log_run_closed = 4,
  /** JavaScript has done with the text. */
  log_run_released = 8,
  /** No stream is left. */
  log_run_ended = 16,
  /** The thread has begun to read its streams. */
  log_run_watched = 32,
};

struct LogRun {
  std::atomic<uint32_t> flags;
  int32_t pid;
  /** Write ends for the child; -1 once it has them. */
  int32_t child_fds[2];
  /** Monotonic; by then `closed` is sent, 0: no deadline. */
  int64_t deadline_ms;
  uint32_t field_bytes;
  LogStream streams[2];
  char fields[log_field_bytes_max];
  LogTail tail;
  char text[log_tail_bytes];
};

/** Ring of records of our own lines; one producer at a time, the pump is the consumer. */
struct LogOwnRing {
  /** Bytes ever taken and ever put; they wrap. */
  std::atomic<uint32_t> head, tail;
  /** Lines that found no room since the last record. */
  std::atomic<uint32_t> dropped;
  alignas(8) char bytes[log_own_bytes];
};

/** Formatted lines, [start, end) not written yet. */
struct LogOut {
  uint32_t start, end;
  char bytes[log_out_bytes];
};

struct LogRegion {
  uint64_t magic;
  uint32_t version;
  uint32_t runs_max;
  /** Wall clock at the start of the program. */
  int64_t started_ns;
  /** Run id of each entry of `runs`, 0: free. Apart, so that a search stays in few cache lines. */
  std::atomic<uint32_t> ids[log_runs_max];
  /** The settings in force, a LogMode. */
  std::atomic<uint64_t> mode;
  LogRun runs[log_runs_max];
  LogOwnRing own;
  LogOut out;
  alignas(4096) char buffers[log_runs_max][2][log_stream_bytes];
};

inline constexpr uint64_t log_region_magic = 0x676f6c2d7063;  // "cp-log"
/** Raise it with every change of the layout. */
inline constexpr uint32_t log_region_version = 2;

}  // namespace pilot
