// Events on their way to JavaScript: a fixed ring, many producers (signals, reaper, pump), one consumer (drain).
//
// No producer ever waits, allocates or takes a lock, so none depends on a JavaScript thread that may be dead. The ring
// cannot overflow: a run has at most three events and keeps its place in the child table until they are drained, and
// signals beyond their share coalesce (as the kernel does with pending ones).
#pragma once
#include <cstdint>

namespace pilot {

/** `orphans`: so many were reaped that somebody should be told (orphans.h). `knock`: see control.h. */
enum class EventType : uint8_t { exited, closed, group_empty, signal, orphans, knock };

/** What JavaScript is told. Fields that a type does not name are 0. */
struct Event {
  EventType type;
  /** exited: a core was dumped. closed: a process still holds a stream. signal: it was forwarded. */
  bool flag;
  /** exited: number of the signal that ended it, or 0. signal: the signal's number. */
  uint8_t signo;
  /** exited: exit code, 0 when a signal ended it. */
  uint8_t code;
  /** exited, closed, group_empty. */
  uint32_t run;
  /** exited: its pid. signal: the sender's (0 when it is the kernel or outside of the namespace). */
  int32_t pid;
  /** signal: the sender's user id. exited: that of `sender_pid`. */
  uint32_t uid;
  /** exited: who had sent the signal that ended it, when it was handed on by us; -1 when that is not known. */
  int32_t sender_pid;
  /** closed: `text_bytes` bytes that stay valid until the consumer calls pump_release(run). */
  const char* text;
  uint32_t text_bytes;
};

/** As many events wait at most. */
inline constexpr uint32_t queue_events_max = 2048;

/** Adds an event and rings the doorbell when nobody has since the last drain. Never blocks; any native thread. */
void queue_push(const Event& event);

/** Takes the oldest event; false when there is none. JavaScript's thread only. */
bool queue_pop(Event* event);

/** What was popped has been dealt with. Until then its signals count as not yet told. JavaScript's thread only. */
void queue_told();

/** Calls `each` with the signals that JavaScript has not dealt with. For the moment of its death; async-signal-safe. */
void queue_each_untold(void (*each)(const Event& event));

/** To be called before the pops of one drain: from here on a push rings again. */
void queue_begin_drain();

/**
 * Waits until the doorbell was rung and not yet answered, at most `timeout_ms` (-1: no limit); whether it was. For the
 * thread that wakes JavaScript.
 */
bool queue_wait_bell(int timeout_ms);

/** Signals that were not reported one by one because the ring's share for them was full. */
uint32_t queue_coalesced();

/** After this nothing is queued any more: nobody will drain. */
void queue_abandon();

}  // namespace pilot
