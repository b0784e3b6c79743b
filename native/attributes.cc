#include "attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

namespace pilot {

static constexpr int capability_words = 2;

CP_CHILD static int set_limits(const Attributes& attributes, SpawnFailure* at) {
  for (uint32_t i = 0; i < attributes.limit_count; i++) {
    const AttributeLimit& limit = attributes.limits[i];
    *at = {SpawnStep::limits, limit.resource};
    if (syscall(SYS_prlimit64, 0, limit.resource, &limit.value, nullptr) != 0) return errno;
  }
  return 0;
}

/** The kernel leaves out everybody else who shares the memory, as long as the parent waits for exec. */
CP_CHILD static int set_oom_score_adj(const char* text) {
  size_t size = 0;
  while (text[size] != 0) size++;
  long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  long written = syscall(SYS_write, fd, text, size);
  int error = written < 0 ? errno : 0;
  syscall(SYS_close, fd);
  return error;
}

CP_CHILD static int set_priorities(const Attributes& attributes, SpawnFailure* at) {
  *at = {SpawnStep::nice, 0};
  if (attributes.has_nice && syscall(SYS_setpriority, PRIO_PROCESS, 0, attributes.nice) != 0) return errno;
  *at = {SpawnStep::oom_score_adj, 0};
  return attributes.oom_score_adj != nullptr ? set_oom_score_adj(attributes.oom_score_adj) : 0;
}

/** By the bare calls: the library's change the identity of all threads of a process. */
CP_CHILD static int set_identity(const Attributes& attributes, SpawnFailure* at) {
  bool changes = attributes.has_uid || attributes.has_gid;
  *at = {SpawnStep::groups, 0};
  if ((attributes.has_groups || changes) && syscall(SYS_setgroups, (size_t)attributes.group_count, attributes.groups) != 0) {
    // Without the capability there is nothing to give up either (user namespaces, `--user`).
    bool wanted = attributes.has_groups || errno != EPERM || syscall(SYS_getgroups, 0, nullptr) != 0;
    if (wanted) return errno;
  }
  *at = {SpawnStep::gid, 0};
  if (attributes.has_gid && syscall(SYS_setresgid, attributes.gid, attributes.gid, attributes.gid) != 0) return errno;
  *at = {SpawnStep::uid, 0};
  if (!attributes.has_uid) return 0;
  if (attributes.capabilities != 0 && syscall(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return errno;
  return syscall(SYS_setresuid, attributes.uid, attributes.uid, attributes.uid) == 0 ? 0 : errno;
}

/** Ambient ones outlive exec (capabilities(7)); only what is permitted and inheritable can become one. */
CP_CHILD static int set_capabilities(const Attributes& attributes, SpawnFailure* at) {
  if (attributes.capabilities == 0) return 0;
  *at = {SpawnStep::capabilities, -1};
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[capability_words] = {};
  if (syscall(SYS_capget, &header, data) != 0) return errno;
  for (int i = 0; i < capability_words; i++) {
    uint32_t wanted = (uint32_t)(attributes.capabilities >> (32 * i));
    uint32_t missing = wanted & ~data[i].permitted;
    if (missing != 0) {
      at->item = 32 * i + __builtin_ctz(missing);
      return EPERM;
    }
    data[i].inheritable |= wanted;
    data[i].effective |= wanted;
  }
  if (syscall(SYS_capset, &header, data) != 0) return errno;
  for (int number = 0; number < 32 * capability_words; number++) {
    if ((attributes.capabilities >> number & 1) == 0) continue;
    at->item = number;
    if (syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) return errno;
  }
  return 0;
}

CP_CHILD int attributes_apply(const Attributes& attributes, SpawnFailure* at) {
  int error = set_limits(attributes, at);
  if (error == 0) error = set_priorities(attributes, at);
  if (error != 0) return error;
  *at = {SpawnStep::umask, 0};
  if (attributes.has_umask) syscall(SYS_umask, attributes.umask);
  // As the init, which may enter what the new identity may not.
  *at = {SpawnStep::cwd, 0};
  if (attributes.cwd != nullptr && syscall(SYS_chdir, attributes.cwd) != 0) return errno;
  error = set_identity(attributes, at);
  if (error == 0) error = set_capabilities(attributes, at);
  if (error != 0) return error;
  *at = {SpawnStep::no_new_privileges, 0};
  if (attributes.no_new_privileges && syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  // After the identity, whose change clears it.
  *at = {SpawnStep::death_signal, attributes.death_signal};
  if (attributes.death_signal != 0 && syscall(SYS_prctl, PR_SET_PDEATHSIG, attributes.death_signal, 0, 0, 0) != 0) return errno;
  *at = {SpawnStep::exec, 0};
  return 0;
}

int attributes_dumpable(const Attributes& attributes) {
  return attributes.has_uid || attributes.has_gid ? prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) : -1;
}

void attributes_dumpable_restore(int before) {
  // 2 cannot be set, and is what it becomes then at the most.
  if (before == 1) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

}  // namespace pilot
