// Starting programs: errors of exec, and the state that a child finds.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "refuse.h"

namespace pilot {

/** Each error is told by spawn, each success by exactly one end, never both; nothing stays in the table. */
static void exec_errors() {
  CHECK(boot(false).error == 0);
  int wrong_errno = 0, wrong_pid = 0;
  std::vector<uint32_t> good, bad;
  for (int i = 0; i < 200; i++) {
    bad.push_back(next_run());
    wrong_errno += start_program(bad.back(), "/no/such/program", {"x"}) != -ENOENT;
    bad.push_back(next_run());
    wrong_errno += start_program(bad.back(), "/etc/passwd", {"x"}) != -EACCES;
    good.push_back(next_run());
    wrong_pid += start_program(good.back(), "/bin/true", {"true"}) <= 0;
  }
  CHECK(wrong_errno == 0);
  CHECK(wrong_pid == 0);
  int wrong_end = 0;
  for (uint32_t run : good) wrong_end += !world.wait_done(run) || world.runs[run].order != "eg" || world.runs[run].code != 0;
  CHECK(wrong_end == 0);
  int told = 0;
  for (uint32_t run : bad) told += (int)world.runs.count(run);
  CHECK(told == 0);
  CHECK(world.wait([] {
    for (const cp_child& child : table->children)
      if (cp_load(child.state) != CP_FREE) return false;
    return true;
  }));
  CHECK(table->orphans == 0);
}

static void other_errors() {
  CHECK(boot(false).error == 0);
  CHECK(start_program(next_run(), "/bin/true", {"true"}, "/no/such/folder") == -ENOENT);
  CHECK(start_program(next_run(), "/etc/passwd/true", {"true"}) == -ENOTDIR);
  CHECK(start_program(next_run(), "/bin/true", {"true", std::string(200 * 1024, 'x')}) == -E2BIG);
  std::string script = make_temp_dir() + "/script";
  int fd = open(script.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  CHECK(write(fd, "no shebang\n", 11) == 11);
  CHECK(start_program(next_run(), script, {"script"}) == -ETXTBSY);
  close(fd);
  CHECK(start_program(next_run(), script, {"script"}) == -ENOEXEC);
}

static void table_full() {
  CHECK(boot(false).error == 0);
  uint32_t run = start({"exit", "0"});
  CHECK(world.wait_done(run));
  for (uint32_t i = 0; i < CP_CHILDREN_MAX; i++) table_claim(100000 + i, "taken");
  CHECK(start_program(next_run(), "/bin/true", {"true"}) == -ENOBUFS);
}

/** Runs `report` and looks at what exec has left it. */
static void check_clean_child(const std::string& nofile) {
  uint32_t run = start({"report"});
  CHECK(world.wait_done(run));
  const std::string& report = world.runs[run].output;
  CHECK(value_of(report, "SigBlk") == "0000000000000000");
  CHECK(value_of(report, "SigIgn") == "0000000000000000");
  CHECK(value_of(report, "SigPnd") == "0000000000000000");
  CHECK(value_of(report, "ShdPnd") == "0000000000000000");
  CHECK(value_of(report, "fds") == "0 1 2 ");
  CHECK(value_of(report, "leader") == "1");
  if (!CHECK(value_of(report, "nofile") == nofile)) fprintf(stderr, "%s\n", report.c_str());
}

/** As Node leaves the process: PIPE and XFSZ ignored, stdio close-on-exec, the soft limit raised; and a stray descriptor. */
static void spoil_process() {
  struct rlimit before = {1000, 20000}, raised = {20000, 20000};
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(boot(false).error == 0);
  table->origin.early = 1;
  setrlimit(RLIMIT_NOFILE, &raised);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  for (int fd = 0; fd < 3; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  CHECK(dup2(2, 251) == 251);
}

static void child_state() {
  spoil_process();
  check_clean_child("1000/20000");
  CHECK(start_program(next_run(), "/bin/true", {"true"}, "/usr") > 0);
}

static void check_old_kernel(int error) {
  CHECK(refuse_calls({SYS_close_range, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_memfd_create, SYS_signalfd4}, error));
  // With any other errno the C library itself cannot start a thread.
  CHECK(refuse_calls({SYS_clone3}, ENOSYS));
  spoil_process();
  CHECK(table_fd() == -1);
  check_clean_child("1000/20000");
  uint32_t run = start({"linger", "term-proof", make_temp_dir() + "/ready"});
  CHECK(process_sweep(SIGKILL) == 1);
  CHECK(world.wait_done(run));
  CHECK(world.runs[run].signo == SIGKILL);
}

static void old_kernel() { check_old_kernel(ENOSYS); }
static void strict_profile() { check_old_kernel(EPERM); }

/** Where new threads by clone3 are refused with EPERM, the ones that there are go on, and children are started by clone. */
static void no_clone3() {
  CHECK(boot(false).error == 0);
  CHECK(refuse_calls({SYS_clone3}, EPERM));
  uint32_t run = start({"exit", "7"});
  CHECK(world.wait_done(run));
  CHECK(world.runs[run].code == 7);
}

/** An init that was started without stdio must not hand its own files to a child as 0, 1, 2. */
static void closed_stdio() {
  int errors = fcntl(2, F_DUPFD_CLOEXEC, 100);
  for (int fd = 0; fd < 3; fd++) close(fd);
  int boot_error = boot(false).error;
  int table_at = table_fd();
  int pid = start_program(next_run(), "/bin/true", {"true"}, nullptr, StreamKind::inherit);
  dup2(errors, 2);
  CHECK(boot_error == 0);
  CHECK(table_at > 2);
  CHECK(pid > 0);
  check_clean_child(std::to_string(table->origin.nofile_soft) + "/" + std::to_string(table->origin.nofile_hard));
}

/** Children of a thread that never ends; a program that ends before spawn has returned is not lost. */
static void quick_ends() {
  CHECK(boot(false).error == 0);
  int wrong = 0;
  for (int i = 0; i < 300; i++) {
    uint32_t run = start({"exit", std::to_string(i % 256)});
    if (i % 3 == 0) world.drain();
    if (i % 50 != 49) continue;
    for (uint32_t seen = run - 49; seen <= run; seen++) {
      wrong += !world.wait_done(seen) || world.runs[seen].code != (int)((seen - 1) % 256) || world.runs[seen].exited != 1 ||
               world.runs[seen].closed != 1 || world.runs[seen].group_empty != 1 || world.runs[seen].order[0] != 'e';
    }
  }
  CHECK(wrong == 0);
}

/** With nothing left for pipes a child still runs, and `closed` is still told. */
static void no_descriptors() {
  struct rlimit tight = {3, 20000};
  CHECK(boot(false).error == 0);
  // The child gets what we were given, not what is left to us.
  table->origin.early = 1;
  setrlimit(RLIMIT_NOFILE, &tight);
  uint32_t run = next_run();
  CHECK(start_program(run, "/bin/true", {"true"}, nullptr, StreamKind::log) == -EMFILE);
  run = next_run();
  tight.rlim_cur = 200;
  setrlimit(RLIMIT_NOFILE, &tight);
  CHECK(start_program(run, "/bin/true", {"true"}) > 0);
  CHECK(world.wait_done(run));
  tight.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &tight);
  run = next_run();
  CHECK(start_program(run, "/bin/true", {"true"}, nullptr, StreamKind::log) > 0);
  CHECK(world.wait_done(run));
  CHECK(world.runs[run].closed == 1 && world.runs[run].code == 0);
}

const std::vector<Test> spawn_tests = {
    {"exec errors", Place::here, exec_errors},
    {"exec errors of other kinds", Place::here, other_errors},
    {"exec with a full table", Place::here, table_full},
    {"state of a child", Place::here, child_state},
    {"state of a child on an old kernel", Place::here, old_kernel},
    {"state of a child under a strict profile", Place::here, strict_profile},
    {"start without clone3", Place::here, no_clone3},
    {"state of a child without our stdio", Place::here, closed_stdio},
    {"quick ends", Place::here, quick_ends},
    {"no descriptors", Place::here, no_descriptors},
};

}  // namespace pilot
