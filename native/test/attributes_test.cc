// What a process is given before its program, and how it is told what could not be given.
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "refuse.h"

namespace pilot {

/** Where any user can execute it. */
static void publish_child() {
  std::string folder = make_temp_dir();
  CHECK(chmod(folder.c_str(), 0755) == 0);
  CHECK(system(("cp " + child_path + " " + folder + "/child").c_str()) == 0);
  child_path = folder + "/child";
}

static std::string report_with(const Attributes& attributes) {
  uint32_t run = next_run();
  if (!CHECK(start_with(run, attributes, {"report"}) > 0)) {
    fprintf(stderr, "failed at step %d, item %d\n", (int)spawn_failure().step, spawn_failure().item);
    return "";
  }
  CHECK(world.wait_done(run));
  return world.runs[run].output;
}

static bool has(const std::string& report, const std::string& key, const std::string& value) {
  std::string found = value_of(report, key);
  if (found == value) return true;
  fprintf(stderr, "  %s is %s, not %s\n", key.c_str(), found.c_str(), value.c_str());
  return false;
}

static void all_at_once() {
  publish_child();
  CHECK(boot(false).error == 0);
  const AttributeLimit limits[] = {{RLIMIT_CORE, {5, 10}}, {RLIMIT_NOFILE, {70, 90}}};
  const gid_t groups[] = {7, 8};
  Attributes attributes = {};
  attributes.limits = limits;
  attributes.limit_count = 2;
  attributes.has_nice = attributes.has_umask = attributes.has_uid = attributes.has_gid = attributes.has_groups = true;
  attributes.nice = 5;
  attributes.oom_score_adj = "300";
  attributes.umask = 027;
  attributes.uid = 1234;
  attributes.gid = 2345;
  attributes.groups = groups;
  attributes.group_count = 2;
  attributes.capabilities = UINT64_C(1) << CAP_NET_BIND_SERVICE | UINT64_C(1) << CAP_KILL;
  attributes.no_new_privileges = true;
  attributes.cwd = "/usr";
  attributes.death_signal = SIGKILL;
  std::string own = read_file("/proc/self/oom_score_adj");
  int own_nice = getpriority(PRIO_PROCESS, 0);
  std::string report = report_with(attributes);
  CHECK(has(report, "Uid", "1234\t1234\t1234\t1234"));
  CHECK(has(report, "Gid", "2345\t2345\t2345\t2345"));
  CHECK(has(report, "Groups", "7 8 "));
  CHECK(has(report, "core", "5/10"));
  CHECK(has(report, "nofile", "70/90"));
  CHECK(has(report, "nice", "5"));
  CHECK(has(report, "oom", "300"));
  CHECK(has(report, "Umask", "0027"));
  CHECK(has(report, "cwd", "/usr"));
  CHECK(has(report, "NoNewPrivs", "1"));
  CHECK(has(report, "CapAmb", "0000000000000420"));
  CHECK(has(report, "CapEff", "0000000000000420"));
  CHECK(has(report, "death", "9"));
  CHECK(has(report, "SigBlk", "0000000000000000"));
  CHECK(has(report, "fds", "0 1 2 "));
  // Nothing of it has reached the init, whose memory the child shared.
  CHECK(read_file("/proc/self/oom_score_adj") == own);
  CHECK(getuid() == 0 && getpriority(PRIO_PROCESS, 0) == own_nice);
  CHECK(prctl(PR_GET_DUMPABLE) == 1);
  CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
  CHECK(prctl(PR_GET_KEEPCAPS) == 0);
}

static void each_alone() {
  publish_child();
  CHECK(boot(false).error == 0);
  std::string plain = report_with({});
  CHECK(has(plain, "death", "0"));
  CHECK(has(plain, "CapAmb", "0000000000000000"));
  Attributes user = {};
  user.has_uid = true;
  user.uid = 1234;
  std::string report = report_with(user);
  CHECK(has(report, "Uid", "1234\t1234\t1234\t1234"));
  CHECK(has(report, "CapEff", "0000000000000000"));
  // The init's own groups are not the user's.
  CHECK(value_of(report, "Groups").find_first_of("0123456789") == std::string::npos);
  Attributes capable = {};
  capable.capabilities = UINT64_C(1) << CAP_NET_RAW;
  CHECK(has(report_with(capable), "CapAmb", "0000000000002000"));
  Attributes unlimited = {};
  const AttributeLimit limit = {RLIMIT_CORE, {0, RLIM_INFINITY}};
  unlimited.limits = &limit;
  unlimited.limit_count = 1;
  CHECK(has(report_with(unlimited), "core", "0/18446744073709551615"));
}

/** Starts with `attributes`, which must fail at this step with this errno. */
static void check_failure(const Attributes& attributes, int error, SpawnStep step, int item = 0) {
  uint32_t run = next_run();
  int result = start_with(run, attributes, {"report"});
  if (!CHECK(result == -error) || !CHECK(spawn_failure().step == step) || !CHECK(spawn_failure().item == item))
    fprintf(stderr, "  result %d at step %d, item %d\n", result, (int)spawn_failure().step, spawn_failure().item);
  CHECK(world.runs.count(run) == 0);
}

/** As the init of `--user 1234 --cap-drop ALL`, which may lower but not raise. */
static void without_privileges() {
  publish_child();
  CHECK(boot(false).error == 0);
  const AttributeLimit lower = {RLIMIT_CORE, {0, 0}}, higher = {RLIMIT_CORE, {0, 1}};
  setrlimit(RLIMIT_CORE, &lower.value);
  CHECK(setgid(1234) == 0 && setuid(1234) == 0);
  // What it is already may be asked for; it has groups, which it cannot give up, only when it was given some.
  Attributes same = {};
  same.has_uid = same.has_gid = true;
  same.uid = same.gid = 1234;
  if (getgroups(0, nullptr) == 0) CHECK(has(report_with(same), "Uid", "1234\t1234\t1234\t1234"));
  Attributes other = {};
  other.has_groups = true;
  check_failure(other, EPERM, SpawnStep::groups);
  other = {};
  other.has_nice = true;
  other.nice = -5;
  check_failure(other, EACCES, SpawnStep::nice);
  other = {};
  other.oom_score_adj = "-1000";
  check_failure(other, EACCES, SpawnStep::oom_score_adj);
  other = {};
  other.limits = &higher;
  other.limit_count = 1;
  check_failure(other, EPERM, SpawnStep::limits, RLIMIT_CORE);
  other = {};
  other.capabilities = UINT64_C(1) << CAP_NET_ADMIN;
  check_failure(other, EPERM, SpawnStep::capabilities, CAP_NET_ADMIN);
  other = {};
  other.cwd = "/no/such/folder";
  check_failure(other, ENOENT, SpawnStep::cwd);
  CHECK(has(report_with({}), "Uid", "1234\t1234\t1234\t1234"));
  CHECK(start_program(next_run(), "/no/such/program", {"x"}) == -ENOENT);
  CHECK(spawn_failure().step == SpawnStep::exec);
}

/** A seccomp profile that lets nobody change who he is. */
static void refused_identity() {
  publish_child();
  CHECK(boot(false).error == 0);
  CHECK(refuse_calls({SYS_setresuid}, EPERM));
  Attributes user = {};
  user.has_uid = true;
  user.uid = 1234;
  check_failure(user, EPERM, SpawnStep::uid);
  CHECK(prctl(PR_GET_DUMPABLE) == 1);
}

/** A child with a death signal ends with the init, one without lives on. */
static void death_signal() {
  std::string folder = make_temp_dir();
  pid_t init = fork();
  if (init == 0) {
    Attributes mortal = {};
    mortal.death_signal = SIGKILL;
    bool ok = boot(false).error == 0 && start_with(next_run(), mortal, {"linger", "x", folder + "/mortal"}) > 0 &&
              start_with(next_run(), {}, {"linger", "x", folder + "/immortal"}) > 0 && wait_file(folder + "/mortal") &&
              wait_file(folder + "/immortal");
    _exit(ok ? 0 : 1);
  }
  int status = 1;
  waitpid(init, &status, 0);
  CHECK(status == 0);
  int mortal = atoi(read_file(folder + "/mortal").c_str()), immortal = atoi(read_file(folder + "/immortal").c_str());
  CHECK(mortal > 1 && immortal > 1);
  auto gone = [](int pid) {
    std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  };
  CHECK(world.wait([&] { return gone(mortal); }));
  CHECK(!gone(immortal));
  kill(immortal, SIGKILL);
}

const std::vector<Test> attributes_tests = {
    {"attributes, all at once", Place::here, all_at_once},
    {"attributes, each alone", Place::here, each_alone},
    {"attributes without privileges", Place::here, without_privileges},
    {"attributes under a strict profile", Place::here, refused_identity},
    {"death signal", Place::here, death_signal},
};

}  // namespace pilot
