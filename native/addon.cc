// The addon's face to JavaScript (src/native/pilot.ts): guards and conversion, nothing else.
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "boot.h"
#include "dead.h"
#include "early.h"
#include "logpump.h"
#include "napi_args.h"
#include "process.h"
#include "queue.h"
#include "signals.h"
#include "spawn.h"
#include "streams.h"
#include "terminal.h"
#include "thread.h"

namespace pilot {

static napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value from_integer(napi_env env, int64_t number) {
  napi_value value;
  napi_create_int64(env, number, &value);
  return value;
}

static void set_integer(napi_env env, napi_value object, const char* name, int64_t number) {
  napi_set_named_property(env, object, name, from_integer(env, number));
}

static void set_boolean(napi_env env, napi_value object, const char* name, bool truth) {
  napi_value value;
  napi_get_boolean(env, truth, &value);
  napi_set_named_property(env, object, name, value);
}

static void set_text(napi_env env, napi_value object, const char* name, const char* text, size_t bytes) {
  napi_value value;
  napi_create_string_utf8(env, text, bytes, &value);
  napi_set_named_property(env, object, name, value);
}

/** Missing arguments are undefined; the guards say which. */
template <size_t count>
static void arguments(napi_env env, napi_callback_info info, napi_value (&values)[count]) {
  size_t given = count;
  napi_get_cb_info(env, info, &given, values, nullptr, nullptr);
}

static napi_value boot_call(napi_env env, napi_callback_info) {
  const BootState& state = boot(false);
  if (table == nullptr) {
    napi_throw_error(env, nullptr, "the child table cannot be made: out of memory");
    return nullptr;
  }
  napi_value result, nofile, adopted;
  napi_create_object(env, &result);
  napi_create_object(env, &nofile);
  napi_create_array(env, &adopted);
  bool blocked = signals_mode() == SignalMode::blocked;
  set_boolean(env, result, "preloaded", state.preloaded);
  set_text(env, result, "signals", blocked ? "blocked" : "handlers", NAPI_AUTO_LENGTH);
  set_boolean(env, result, "pid1", getpid() == 1);
  set_boolean(env, result, "subreaper", state.subreaper);
  set_integer(env, nofile, "soft", (int64_t)table->origin.nofile_soft);
  set_integer(env, nofile, "hard", (int64_t)table->origin.nofile_hard);
  napi_set_named_property(env, result, "nofile", nofile);
  set_boolean(env, result, "terminal", terminal_present());
  napi_set_named_property(env, result, "adopted", adopted);
  return result;
}

// The doorbell: one thread that waits for the queue's bell and wakes JavaScript. It alone calls into Node, which locks and
// allocates, so that no thread that forwards or reaps can be held up by a dead JavaScript thread.
static std::atomic<napi_threadsafe_function> doorbell{nullptr};
static std::atomic<bool> ringing{false};

static void call_doorbell(napi_env env, napi_value callback, void*, void*) {
  if (env == nullptr || callback == nullptr) return;
  napi_value result;
  if (napi_call_function(env, undefined(env), callback, 0, nullptr, &result) != napi_pending_exception) return;
  // Node would only warn about an exception that leaves a threadsafe function.
  napi_value error;
  napi_get_and_clear_last_exception(env, &error);
  napi_fatal_exception(env, error);
}

static void* bell_main() {
  for (;;) {
    queue_wait_bell();
    ringing.store(true);
    napi_threadsafe_function function = doorbell.load();
    if (function != nullptr) napi_call_threadsafe_function(function, nullptr, napi_tsfn_nonblocking);
    ringing.store(false);
  }
}

/** The environment goes away: no call may come in later than this. */
static void stop_doorbell(void*) {
  doorbell.store(nullptr);
  while (ringing.load()) sched_yield();
}

static napi_value start_call(napi_env env, napi_callback_info info) {
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
  started = true;
  boot(false);
  dead_install();
  napi_value name;
  napi_create_string_utf8(env, "containerpilot", NAPI_AUTO_LENGTH, &name);
  napi_threadsafe_function function = nullptr;
  // Referenced: an init with nothing to do waits for its children, it does not end.
  napi_create_threadsafe_function(env, values[0], nullptr, name, 0, 1, nullptr, nullptr, nullptr, call_doorbell, &function);
  doorbell.store(function);
  napi_add_env_cleanup_hook(env, stop_doorbell, nullptr);
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
      table_told(event.run, CP_OWES_EXITED);
      return;
    case EventType::closed:
      set_text(env, object, "t", "closed", NAPI_AUTO_LENGTH);
      set_integer(env, object, "run", event.run);
      set_text(env, object, "output", event.text == nullptr ? "" : event.text, event.text_bytes);
      set_boolean(env, object, "held", event.flag);
      pump_release(event.run);
      table_told(event.run, CP_OWES_CLOSED);
      return;
    case EventType::group_empty:
      set_text(env, object, "t", "groupEmpty", NAPI_AUTO_LENGTH);
      set_integer(env, object, "run", event.run);
      table_told(event.run, CP_OWES_GROUP);
      return;
    case EventType::signal:
      set_text(env, object, "t", "signal", NAPI_AUTO_LENGTH);
      set_integer(env, object, "signo", event.signo);
      set_integer(env, object, "pid", event.pid);
      set_integer(env, object, "uid", event.uid);
      set_boolean(env, object, "forwarded", event.flag);
      return;
  }
}

static napi_value drain_call(napi_env env, napi_callback_info) {
  napi_value events;
  napi_create_array(env, &events);
  queue_begin_drain();
  Event event;
  for (uint32_t count = 0; queue_pop(&event); count++) {
    napi_value object;
    napi_create_object(env, &object);
    fill_event(env, object, event);
    napi_set_element(env, events, count, object);
  }
  return events;
}

static const char* const stream_names[] = {"inherit", "null", "log", "capture", nullptr};
static const char* const stdin_names[] = {"inherit", "null", nullptr};
static const char* const level_names[] = {"debug", "info", "warn", "error", "fatal", "panic", nullptr};
static const char* const format_names[] = {"default", "text", "json", nullptr};
static const char* const dialect_names[] = {"v2", "v3", nullptr};

/** Pairs of strings; a number is written as one by whoever made the text. */
static LogField* read_fields(Reader& reader, Arena& arena, napi_value value, uint32_t* count) {
  *count = reader.length(value, "fields");
  LogField* fields = arena.array<LogField>(*count);
  for (uint32_t i = 0; i < *count; i++) {
    napi_value pair = reader.element(value, i);
    Text key = reader.text(reader.element(pair, 0), "fields");
    Text text = reader.text(reader.element(pair, 1), "fields");
    fields[i] = {{key.data, key.size}, {text.data, text.size}, false};
  }
  return fields;
}

static napi_value spawn_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  napi_value from = values[0];
  SpawnRequest request = {};
  request.run = (uint32_t)reader.integer(reader.property(from, "run"), "run", 1, UINT32_MAX);
  request.job = reader.c_string(reader.property(from, "job"), "job");
  request.file = reader.c_string(reader.property(from, "file"), "file");
  request.argv = reader.c_strings(reader.property(from, "argv"), "argv");
  request.envp = reader.c_strings(reader.property(from, "env"), "env");
  request.cwd = reader.optional_c_string(reader.property(from, "cwd"), "cwd");
  StreamRequest streams = {};
  streams.kinds[0] = StreamKind(reader.one_of(reader.property(from, "stdin"), "stdin", stdin_names));
  streams.kinds[1] = StreamKind(reader.one_of(reader.property(from, "stdout"), "stdout", stream_names));
  streams.kinds[2] = StreamKind(reader.one_of(reader.property(from, "stderr"), "stderr", stream_names));
  uint32_t field_count = 0;
  streams.fields = read_fields(reader, arena, reader.property(from, "fields"), &field_count);
  streams.field_count = field_count;
  request.foreground = reader.boolean(reader.property(from, "foreground"), "foreground") && terminal_present();
  if (!reader.failed() && table_find_run(request.run) != nullptr) reader.reject("run", "the number of no unfinished run");
  if (reader.failed()) return nullptr;
  int error = streams_open(streams, &request);
  if (error != 0) return from_integer(env, error);
  int pid = spawn(request);
  streams_spawned(request, pid);
  return from_integer(env, pid);
}

static napi_value signal_call(napi_env env, napi_callback_info info) {
  static const char* const targets[] = {"process", "group", nullptr};
  Arena arena;
  Reader reader(env, arena);
  napi_value values[3];
  arguments(env, info, values);
  uint32_t run = (uint32_t)reader.integer(values[0], "run", 1, UINT32_MAX);
  int signo = (int)reader.integer(values[1], "signo", 0, 64);
  int target = reader.one_of(values[2], "target", targets);
  if (reader.failed()) return nullptr;
  return from_integer(env, process_signal(run, signo, target == 0 ? SignalTarget::process : SignalTarget::group));
}

static napi_value policy_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[3];
  arguments(env, info, values);
  uint32_t main = (uint32_t)reader.integer(values[0], "main", 0, UINT32_MAX);
  uint32_t count = reader.length(values[1], "forward");
  uint64_t forward = 0;
  for (uint32_t i = 0; i < count && !reader.failed(); i++)
    forward |= CP_BIT(reader.integer(reader.element(values[1], i), "forward", 1, 64));
  int grace_ms = (int)reader.integer(values[2], "graceMs", 0, INT32_MAX);
  if (reader.failed()) return nullptr;
  dead_policy(main, grace_ms);
  signals_policy(main, forward);
  return undefined(env);
}

static napi_value sweep_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  int signo = (int)reader.integer(values[0], "signo", 0, 64);
  if (reader.failed()) return nullptr;
  return from_integer(env, process_sweep(signo));
}

// Where lines go when there is no pump to format them.
static int bare_log_fd = STDERR_FILENO;

static napi_value log_settings_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  LogSettings settings = {};
  settings.level = LogLevel(reader.one_of(reader.property(values[0], "level"), "level", level_names));
  settings.format = LogFormat(reader.one_of(reader.property(values[0], "format"), "format", format_names));
  settings.dialect = LogDialect(reader.one_of(reader.property(values[0], "dialect"), "dialect", dialect_names));
  settings.fd = (int)reader.integer(reader.property(values[0], "fd"), "fd", 1, INT32_MAX);
  if (reader.failed()) return nullptr;
  bare_log_fd = settings.fd;
  int error = boot(false).pump ? pump_settings(settings) : 0;
  if (error == 0) return undefined(env);
  reader.reject("fd", "an open descriptor");
  return nullptr;
}

static napi_value log_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[3];
  arguments(env, info, values);
  LogLevel level = LogLevel(reader.one_of(values[0], "level", level_names));
  Text message = reader.text(values[1], "message");
  uint32_t count = 0;
  LogField* fields = read_fields(reader, arena, values[2], &count);
  if (reader.failed()) return nullptr;
  if (boot(false).pump)
    pump_log(level, {message.data, message.size}, fields, count);
  else
    dprintf(bare_log_fd, "%s %s\n", level_names[int(level)], message.data);
  return undefined(env);
}

static napi_value exit_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  int64_t code = reader.integer(values[0], "code", INT32_MIN, INT32_MAX);
  if (reader.failed()) return nullptr;
  leave((int)code);
}

struct Method {
  const char* name;
  napi_callback call;
};

static const Method methods[] = {
    {"boot", boot_call},     {"start", start_call},   {"drain", drain_call}, {"spawn", spawn_call},
    {"signal", signal_call}, {"policy", policy_call}, {"sweep", sweep_call}, {"exit", exit_call},
    {"logSettings", log_settings_call}, {"log", log_call},
};

}  // namespace pilot

NAPI_MODULE_INIT() {
  for (const pilot::Method& method : pilot::methods) {
    napi_value function;
    if (napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.call, nullptr, &function) != napi_ok) return nullptr;
    napi_set_named_property(env, exports, method.name, function);
  }
  return exports;
}
