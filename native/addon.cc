// The addon's face to JavaScript (src/native/pilot.ts): guards and conversion, nothing else.
#include <dlfcn.h>
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "control.h"
#include "dead.h"
#include "early.h"
#include "instant.h"
#include "napi_values.h"
#include "process.h"
#include "signals.h"
#include "terminal.h"

namespace pilot {

bool boot_or_throw(napi_env env) {
  boot(false);
  if (table != nullptr) return true;
  napi_throw_error(env, nullptr, "the child table cannot be made: out of memory");
  return false;
}

static napi_value boot_call(napi_env env, napi_callback_info) {
  if (!boot_or_throw(env)) return nullptr;
  const BootState& state = boot(false);
  napi_value result, nofile;
  napi_create_object(env, &result);
  napi_create_object(env, &nofile);
  bool blocked = signals_mode() == SignalMode::blocked;
  set_boolean(env, result, "preloaded", state.preloaded);
  set_boolean(env, result, "preloadRefused", cp_preload_refused() != 0);
  set_text(env, result, "signals", blocked ? "blocked" : "handlers", NAPI_AUTO_LENGTH);
  set_boolean(env, result, "pid1", getpid() == 1);
  set_boolean(env, result, "subreaper", state.subreaper);
  set_integer(env, nofile, "soft", (int64_t)table->origin.nofile_soft);
  set_integer(env, nofile, "hard", (int64_t)table->origin.nofile_hard);
  napi_set_named_property(env, result, "nofile", nofile);
  set_boolean(env, result, "terminal", terminal_present());
  set_adoption(env, result);
  return result;
}

static napi_value signal_call(napi_env env, napi_callback_info info) {
  static const char* const targets[] = {"process", "group", nullptr};
  if (!boot_or_throw(env)) return nullptr;
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
  if (!boot_or_throw(env)) return nullptr;
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
  dead_policy(main, forward, grace_ms);
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

static napi_value exit_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  int64_t code = reader.integer(values[0], "code", INT32_MIN, INT32_MAX);
  if (reader.failed()) return nullptr;
  leave((int)code);
}

static napi_value listen_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[2], result;
  arguments(env, info, values);
  const char* path = reader.c_string(values[0], "path");
  bool elsewhere = reader.boolean(values[1], "elsewhere");
  if (reader.failed()) return nullptr;
  ControlPlace place = {};
  if (!instant_socket(path, &place)) place = control_listen(path, elsewhere);
  napi_create_object(env, &result);
  set_integer(env, result, "fd", place.fd);
  set_integer(env, result, "errno", -place.error);
  set_text(env, result, "path", place.path, NAPI_AUTO_LENGTH);
  return result;
}

static napi_value watch_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1], watched;
  arguments(env, info, values);
  int fd = (int)reader.integer(values[0], "fd", 0, INT32_MAX);
  if (reader.failed()) return nullptr;
  napi_get_boolean(env, control_watch(fd), &watched);
  return watched;
}

static napi_value peer_call(napi_env env, napi_callback_info info) {
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  int fd = (int)reader.integer(values[0], "fd", 0, INT32_MAX);
  if (reader.failed()) return nullptr;
  return from_integer(env, control_peer(fd));
}

struct Method {
  const char* name;
  napi_callback call;
};

static const Method methods[] = {
    {"boot", boot_call},     {"start", start_call},   {"drain", drain_call}, {"spawn", spawn_call}, {"spawnFailure", spawn_failure_call},
    {"signal", signal_call}, {"policy", policy_call}, {"sweep", sweep_call}, {"exit", exit_call},
    {"logSettings", log_settings_call}, {"log", log_call}, {"listen", listen_call}, {"watch", watch_call}, {"peer", peer_call},
    {"told", told_call},     {"remember", remember_call}, {"lastWords", last_words_call},
    {"swept", swept_call},     {"orphans", orphans_call},
    {"park", park_call},
};

}  // namespace pilot

/** By its address one copy of this file tells itself from another. */
extern "C" __attribute__((visibility("default"))) const char cp_native_half = 0;

static int is_other_copy(struct dl_phdr_info* object, size_t, void*) {
  if (object->dlpi_name == nullptr || object->dlpi_name[0] == 0) return 0;
  void* handle = dlopen(object->dlpi_name, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return 0;
  void* found = dlsym(handle, "cp_native_half");
  dlclose(handle);
  return found != nullptr && found != &cp_native_half;
}

NAPI_MODULE_INIT() {
  // A Worker's environment ends before the process does; children's death signals follow the thread (prctl(2)).
  if (syscall(SYS_gettid) != getpid()) {
    napi_throw_error(env, nullptr, "the native half belongs to the main thread: it cannot be loaded in a Worker");
    return nullptr;
  }
  // Two reapers would take each other's children, and two masks' owners each other's signals.
  if (dl_iterate_phdr(is_other_copy, nullptr) != 0) {
    napi_throw_error(env, nullptr, "the native half is in this process already, loaded from another file");
    return nullptr;
  }
  for (const pilot::Method& method : pilot::methods) {
    napi_value function;
    if (napi_create_function(env, method.name, NAPI_AUTO_LENGTH, method.call, nullptr, &function) != napi_ok) return nullptr;
    napi_set_named_property(env, exports, method.name, function);
  }
  return exports;
}
