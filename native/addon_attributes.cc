// Process attributes by their names.
#include <stdio.h>
#include <sys/resource.h>

#include "napi_values.h"
#include "spawn.h"

namespace pilot {

/** In the order of SpawnStep. */
static const char* const steps[] = {"exec", "limits",       "nice", "oomScoreAdj",     "umask",      "groups", "gid",
                                    "uid",  "capabilities", "cwd",  "noNewPrivileges", "deathSignal"};

static const char* const limit_names[] = {"as",     "core",   "cpu",  "data", "fsize",      "locks", "memlock", "msgqueue", "nice",
                                          "nofile", "nproc",  "rss",  "rtprio", "rttime",   "sigpending", "stack", nullptr};
static const int limit_resources[] = {RLIMIT_AS,     RLIMIT_CORE,  RLIMIT_CPU, RLIMIT_DATA,   RLIMIT_FSIZE,  RLIMIT_LOCKS,
                                      RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RSS,
                                      RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING, RLIMIT_STACK};

/** By number (capabilities(7), linux/capability.h), without CAP_. */
static const char* const capability_names[] = {
    "CHOWN",      "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",          "FSETID",     "KILL",        "SETGID",
    "SETUID",     "SETPCAP",      "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK",   "IPC_OWNER",    "SYS_MODULE",      "SYS_RAWIO",       "SYS_CHROOT", "SYS_PTRACE",  "SYS_PACCT",
    "SYS_ADMIN",  "SYS_BOOT",     "SYS_NICE",        "SYS_RESOURCE",    "SYS_TIME",   "SYS_TTY_CONFIG", "MKNOD",
    "LEASE",      "AUDIT_WRITE",  "AUDIT_CONTROL",   "SETFCAP",         "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",     "PERFMON",         "BPF",        "CHECKPOINT_RESTORE", nullptr};

static void read_limits(Reader& reader, Arena& arena, napi_value value, Attributes* attributes) {
  if (!reader.given(value)) return;
  uint32_t count = reader.length(value, "limits");
  AttributeLimit* limits = arena.array<AttributeLimit>(count);
  for (uint32_t i = 0; i < count; i++) {
    napi_value limit = reader.element(value, i);
    limits[i].resource = limit_resources[reader.one_of(reader.element(limit, 0), "limits", limit_names)];
    limits[i].value.rlim_cur = reader.amount(reader.element(limit, 1), "limits");
    limits[i].value.rlim_max = reader.amount(reader.element(limit, 2), "limits");
  }
  attributes->limits = limits;
  attributes->limit_count = count;
}

static void read_groups(Reader& reader, Arena& arena, napi_value value, Attributes* attributes) {
  if (!reader.given(value)) return;
  uint32_t count = reader.length(value, "groups");
  gid_t* groups = arena.array<gid_t>(count);
  for (uint32_t i = 0; i < count; i++) groups[i] = (gid_t)reader.integer(reader.element(value, i), "groups", 0, UINT32_MAX - 1);
  attributes->has_groups = true;
  attributes->groups = groups;
  attributes->group_count = count;
}

static uint64_t read_capabilities(Reader& reader, napi_value value) {
  uint64_t set = 0;
  if (!reader.given(value)) return set;
  uint32_t count = reader.length(value, "capabilities");
  for (uint32_t i = 0; i < count && !reader.failed(); i++)
    set |= UINT64_C(1) << reader.one_of(reader.element(value, i), "capabilities", capability_names);
  return set;
}

/** An optional integer; true when it was given. */
static bool read_number(Reader& reader, napi_value from, const char* name, int64_t min, int64_t max, int64_t* number) {
  napi_value value = reader.property(from, name);
  if (!reader.given(value)) return false;
  *number = reader.integer(value, name, min, max);
  return true;
}

static const char* read_oom_score_adj(Reader& reader, Arena& arena, napi_value from) {
  int64_t number = 0;
  if (!read_number(reader, from, "oomScoreAdj", -1000, 1000, &number)) return nullptr;
  char* text = arena.array<char>(8);
  snprintf(text, 8, "%d", (int)number);
  return text;
}

void read_attributes(Reader& reader, Arena& arena, napi_value from, Attributes* attributes) {
  if (!reader.given(from)) return;
  int64_t number = 0;
  read_limits(reader, arena, reader.property(from, "limits"), attributes);
  attributes->has_nice = read_number(reader, from, "nice", -20, 19, &number);
  attributes->nice = (int)number;
  attributes->oom_score_adj = read_oom_score_adj(reader, arena, from);
  attributes->has_umask = read_number(reader, from, "umask", 0, 0777, &number);
  attributes->umask = (mode_t)number;
  attributes->has_uid = read_number(reader, from, "uid", 0, UINT32_MAX - 1, &number);
  attributes->uid = (uid_t)number;
  attributes->has_gid = read_number(reader, from, "gid", 0, UINT32_MAX - 1, &number);
  attributes->gid = (gid_t)number;
  read_groups(reader, arena, reader.property(from, "groups"), attributes);
  napi_value no_new_privileges = reader.property(from, "noNewPrivileges");
  if (reader.given(no_new_privileges)) attributes->no_new_privileges = reader.boolean(no_new_privileges, "noNewPrivileges");
  attributes->capabilities = read_capabilities(reader, reader.property(from, "capabilities"));
  attributes->cwd = reader.optional_c_string(reader.property(from, "cwd"), "cwd");
  if (read_number(reader, from, "deathSignal", 1, 64, &number)) attributes->death_signal = (int)number;
}

static const char* name_of(const SpawnFailure& failure) {
  if (failure.step == SpawnStep::capabilities && failure.item >= 0) return capability_names[failure.item];
  if (failure.step != SpawnStep::limits) return nullptr;
  for (int i = 0; limit_names[i] != nullptr; i++)
    if (limit_resources[i] == failure.item) return limit_names[i];
  return nullptr;
}

napi_value spawn_failure_call(napi_env env, napi_callback_info) {
  SpawnFailure failure = spawn_failure();
  const char* item = name_of(failure);
  char text[64];
  snprintf(text, sizeof text, "%s%s%s", steps[(int)failure.step], item == nullptr ? "" : " ", item == nullptr ? "" : item);
  napi_value result = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

}  // namespace pilot
