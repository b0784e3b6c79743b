// Requests that carry log fields: programs to start, lines to log.
#include <stdio.h>
#include <unistd.h>

#include "boot.h"
#include "dead.h"
#include "logpump.h"
#include "napi_values.h"
#include "spawn.h"
#include "streams.h"
#include "table.h"
#include "terminal.h"

namespace pilot {

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

napi_value spawn_call(napi_env env, napi_callback_info info) {
  if (!boot_or_throw(env)) return nullptr;
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
  read_attributes(reader, arena, reader.property(from, "attributes"), &request.attributes);
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
  // From the first program on a fault ends nothing.
  dead_install(true);
  int pid = spawn(request);
  streams_spawned(request, pid);
  return from_integer(env, pid);
}

// Where lines go when there is no pump to format them.
static int bare_log_fd = STDERR_FILENO;

napi_value log_settings_call(napi_env env, napi_callback_info info) {
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

napi_value log_call(napi_env env, napi_callback_info info) {
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

}  // namespace pilot
