// Events on their way into JavaScript: the doorbell and the drain.
#include <sched.h>
#include <string.h>

#include <atomic>

#include "boot.h"
#include "dead.h"
#include "gate.h"
#include "logpump.h"
#include "napi_values.h"
#include "queue.h"
#include "thread.h"
#include "watchdog.h"

namespace pilot {

// The doorbell: one thread that waits for the queue's bell and wakes JavaScript. It alone calls into Node, which locks and
// allocates, so that no thread that forwards or reaps can be held up by a dead JavaScript thread.
static std::atomic<napi_threadsafe_function> doorbell{nullptr};
static std::atomic<bool> ringing{false};

// Another thread may die while this one goes on: an event is then told, or untold, and not between.
static Gate gate;

static constexpr uint32_t drain_max = queue_events_max;

// Its address marks a call that only asks whether JavaScript comes round.
static char sign_of_life;

static void call_doorbell(napi_env env, napi_value callback, void*, void* data) {
  watchdog_answer();
  if (data == &sign_of_life || env == nullptr || callback == nullptr) return;
  napi_value result;
  if (napi_call_function(env, undefined(env), callback, 0, nullptr, &result) != napi_pending_exception) return;
  // Node would only warn about an exception that leaves a threadsafe function.
  napi_value error;
  napi_get_and_clear_last_exception(env, &error);
  napi_fatal_exception(env, error);
}

static void* bell_main() {
  for (;;) {
    bool rung = queue_wait_bell(watchdog_nap_ms());
    if (!rung && !watchdog_wants_answer()) continue;
    ringing.store(true);
    napi_threadsafe_function function = doorbell.load();
    void* data = rung ? nullptr : &sign_of_life;
    if (function != nullptr) napi_call_threadsafe_function(function, data, napi_tsfn_nonblocking);
    ringing.store(false);
  }
}

/** The environment goes away: no call may come in later than this. */
static void stop_doorbell(void*) {
  doorbell.store(nullptr);
  while (ringing.load()) sched_yield();
}

napi_value start_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  napi_valuetype type = napi_undefined;
  napi_typeof(env, values[0], &type);
  if (type != napi_function) {
    reader.reject("doorbell", "a function");
    return nullptr;
  }
  static bool started = false;
  if (started) {
    napi_throw_error(env, nullptr, "start: the native half is started once");
    return nullptr;
  }
  if (!boot_or_throw(env)) return nullptr;
  started = true;
  gate_register(&gate);
  dead_install(true);
  napi_value name;
  napi_create_string_utf8(env, "containerpilot", NAPI_AUTO_LENGTH, &name);
  napi_threadsafe_function function = nullptr;
  // Referenced: an init with nothing to do waits for its children, it does not end.
  napi_create_threadsafe_function(env, values[0], nullptr, name, 0, 1, nullptr, nullptr, nullptr, call_doorbell, &function);
  doorbell.store(function);
  napi_add_env_cleanup_hook(env, stop_doorbell, nullptr);
  watchdog_begin();
  int error = thread_start("cp-bell", bell_main);
  if (error != 0) napi_throw_error(env, nullptr, strerror(-error));
  return undefined(env);
}

static void fill_event(napi_env env, napi_value object, const Event& event) {
  switch (event.type) {
    case EventType::exited:
      set_text(env, object, "t", "exited", NAPI_AUTO_LENGTH);
      set_integer(env, object, "run", event.run);
      set_integer(env, object, "pid", event.pid);
      set_integer(env, object, "code", event.code);
      set_integer(env, object, "signal", event.signo);
      set_boolean(env, object, "core", event.flag);
      if (event.signo != 0 && event.sender_pid >= 0) {
        napi_value sender;
        napi_create_object(env, &sender);
        set_integer(env, sender, "pid", event.sender_pid);
        set_integer(env, sender, "uid", event.uid);
        napi_set_named_property(env, object, "sender", sender);
      }
      return;
    case EventType::closed:
      set_text(env, object, "t", "closed", NAPI_AUTO_LENGTH);
      set_integer(env, object, "run", event.run);
      set_text(env, object, "output", event.text == nullptr ? "" : event.text, event.text_bytes);
      set_boolean(env, object, "held", event.flag);
      return;
    case EventType::group_empty:
      set_text(env, object, "t", "groupEmpty", NAPI_AUTO_LENGTH);
      set_integer(env, object, "run", event.run);
      return;
    case EventType::signal:
      set_text(env, object, "t", "signal", NAPI_AUTO_LENGTH);
      set_integer(env, object, "signo", event.signo);
      set_integer(env, object, "pid", event.pid);
      set_integer(env, object, "uid", event.uid);
      set_boolean(env, object, "forwarded", event.flag);
      return;
    case EventType::orphans:
      set_text(env, object, "t", "orphans", NAPI_AUTO_LENGTH);
      return;
    case EventType::knock:
      set_text(env, object, "t", "knock", NAPI_AUTO_LENGTH);
      return;
  }
}

/** Drained, and not yet known to be dealt with: a runtime that follows this one would be told again. */
static Event untold[drain_max];
static uint32_t untold_count = 0;

static void settle() {
  GatePass pass(gate);
  for (uint32_t i = 0; i < untold_count; i++) {
    uint32_t run = untold[i].run;
    switch (untold[i].type) {
      case EventType::exited:
        table_told(run, CP_OWES_EXITED);
        break;
      case EventType::closed:
        pump_release(run);
        table_told(run, CP_OWES_CLOSED);
        break;
      case EventType::group_empty:
        table_told(run, CP_OWES_GROUP);
        break;
      case EventType::signal:
      case EventType::orphans:
      case EventType::knock:
        break;
    }
  }
  untold_count = 0;
  queue_told();
}

napi_value told_call(napi_env env, napi_callback_info) {
  settle();
  return undefined(env);
}

static bool take(Event* event) {
  GatePass pass(gate);
  return queue_pop(event);
}

napi_value drain_call(napi_env env, napi_callback_info) {
  napi_value events;
  napi_create_array(env, &events);
  settle();
  queue_begin_drain();
  Event event;
  for (uint32_t count = 0; count < drain_max && take(&event); count++) {
    untold[untold_count++] = event;
    napi_value object;
    napi_create_object(env, &object);
    fill_event(env, object, event);
    napi_set_element(env, events, count, object);
  }
  return events;
}

}  // namespace pilot
