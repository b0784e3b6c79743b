// What a process is given before its program: identity, limits, priorities, privileges.
#pragma once
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>


namespace pilot {

struct AttributeLimit {
  /** As setrlimit(2) numbers it. */
  int resource;
  struct rlimit value;
};

/** What is not given stays as the init has it. */
struct Attributes {
  const AttributeLimit* limits;
  uint32_t limit_count;
  /** Valid where the flag of its name is set. */
  int nice;
  mode_t umask;
  uid_t uid;
  gid_t gid;
  bool has_nice, has_umask, has_uid, has_gid;
  /** As /proc/PID/oom_score_adj takes it; null: as it is. */
  const char* oom_score_adj;
  /** Supplementary groups. Without them, a change of uid or gid leaves none. */
  const gid_t* groups;
  uint32_t group_count;
  bool has_groups;
  bool no_new_privileges;
  /** Bit n for capability n: kept and made ambient, so that a program without root has them. */
  uint64_t capabilities;
  /** Null: stay where we are. */
  const char* cwd;
  /** Sent to it when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG); 0: none. */
  int death_signal;
};

enum class SpawnStep { exec, limits, nice, oom_score_adj, umask, groups, gid, uid, capabilities, cwd, no_new_privileges, death_signal };

/** Where a start failed. `item`: the resource or the capability. */
struct SpawnFailure {
  SpawnStep step;
  int item;
};

/** In the child, after its streams: sets everything. 0, or an errno with its place in `at`. */
int attributes_apply(const Attributes& attributes, SpawnFailure* at);

/** A change of identity in shared memory makes the init undumpable (prctl(2), PR_SET_DUMPABLE): to be asked before, and undone after. */
int attributes_dumpable(const Attributes& attributes);
void attributes_dumpable_restore(int before);

}  // namespace pilot
