// The log pump: one thread that reads the children's streams, splits them into lines, and writes them, together with our
// own, to the log. Its memory is fixed whatever children and the log's reader do: when the reader is stuck, children are no
// longer read (they block in write(2), as they would without us) and our own lines are dropped and counted.
#pragma once
#include <sys/types.h>

#include "gate.h"
#include "logformat.h"

namespace pilot {

/** How a child's stream is treated by the pump; `none`: not at all. */
enum class LogStreamKind : uint8_t { none, log, capture };

struct LogSettings {
  LogLevel level;
  LogFormat format;
  LogDialect dialect;
  /** Where the log goes. 0-2 are used as they are and must stay open; of others the pump takes a duplicate. */
  int fd;
};

/** By then `closed` is sent although a stream is still held by a process the child left behind. */
inline constexpr int pump_drain_ms = 250;

/**
 * Starts the thread `cp-logs`: level info, format default, dialect v3, descriptor 1 until pump_settings is called. Once;
 * before it, and after it failed, the other calls do nothing. 0 or -errno.
 */
int pump_start();
/** The file its state lies in, close-on-exec, for a program that takes this one's place; -1: there is none. */
int pump_fd();

/**
 * Makes the pipes of a run that is about to be spawned; `child_fds` are their write ends for the child's stdout and stderr
 * (close-on-exec, the pump's property; -1 for `none`). The fields, at most 10 and 2 KiB (values are cut), go on every line;
 * in dialect v3 the pump adds `pid`. A line of more than 64 KiB comes in parts, numbered by the field `part`. To be followed
 * by pump_run or pump_abandon.
 *
 * 0 or -errno; -ENFILE: too many runs have streams now. Then nothing was made. To go on without the pump is the caller's
 * choice, since the caller alone can say in the log whose output is lost.
 *
 * The thread that spawns only, as the next two.
 */
int pump_open(uint32_t run, LogStreamKind out, LogStreamKind err, const LogField* fields, size_t field_count,
              int child_fds[2]);
/**
 * As pump_open and pump_run, for a child that runs already: `fds` are the read ends of its stdout and stderr, -1 for none,
 * non-blocking. They are the pump's from now on, unless an error is returned.
 */
int pump_take(uint32_t run, pid_t pid, const int32_t fds[2], const LogField* fields, size_t field_count);
/** The child runs: closes our copies of the write ends and reads what it says. */
void pump_run(uint32_t run, pid_t pid);
/** From now on a child has our own stdout or stderr: what it writes there shall not tear lines of the log. */
void pump_share();
/** The child could not be started: forgets the run. */
void pump_abandon(uint32_t run);

/**
 * The run's leader has ended, and its event `exited` is queued. When all its streams have ended too, but in pump_drain_ms at
 * the latest, the pump queues `closed` with the text: what was captured (of stdout, or else of stderr; 64 KiB at most), else
 * the last lines logged (1 KiB at most). A stream that is held then is read on until it ends, and logged. Nothing happens
 * for a run that the pump does not know. Any thread; never blocks.
 */
void pump_exited(uint32_t run);
/** The text of `closed` is not needed any more. One thread. */
void pump_release(uint32_t run);

/**
 * Takes effect for the lines logged after it. Earlier ones keep their look, and go to the old descriptor unless it is stuck
 * or is replaced a second time before the thread has looked: then they go to the new one. One thread.
 * 0, or -errno when the descriptor cannot be duplicated: nothing is changed.
 */
int pump_settings(const LogSettings& settings);

/**
 * Logs a line of our own, at most 10 fields of 2 KiB (values are cut). A message of more than 64 KiB comes in parts. Never
 * blocks: without room the line is dropped, and `N lines dropped` says so when the reader is back. Any thread.
 */
void pump_log(LogLevel level, Bytes message, const LogField* fields, size_t field_count);

/**
 * Waits until all that was logged and all that children have written so far is out, unterminated lines too; at most
 * `timeout_ms`. False when the time was not enough. For the way out: one thread.
 */
bool pump_flush(int timeout_ms);

}  // namespace pilot
