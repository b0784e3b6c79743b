// Reaping: nothing is lost, nothing is told twice, nobody stays a zombie.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../orphans.h"
#include "harness.h"

namespace pilot {

static int zombies() {
  int count = 0;
  DIR* proc = opendir("/proc");
  while (struct dirent* entry = readdir(proc)) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    std::string stat = read_file(std::string("/proc/") + entry->d_name + "/stat");
    size_t at = stat.rfind(')');
    count += at != std::string::npos && stat.compare(at, 3, ") Z") == 0;
  }
  closedir(proc);
  return count;
}

static void check_orphans(int total) {
  constexpr int batch = 50;
  CHECK(boot(false).error == 0);
  uint32_t run = start({"orphans", std::to_string(total), std::to_string(batch)});
  std::vector<uint32_t> own;
  for (int i = 0; i < 100; i++) own.push_back(start({"exit", "7"}));
  int wrong = 0;
  for (uint32_t one : own) wrong += !world.wait_done(one) || world.runs[one].code != 7 || world.runs[one].exited != 1;
  CHECK(wrong == 0);
  CHECK(world.wait_done(run));
  CHECK(world.wait([&] { return cp_load(table->orphans) == (uint64_t)total; }));
  CHECK(getpid() != 1 || zombies() == 0);
  nap_ms(50);
  CHECK(cp_load(table->orphans) == (uint64_t)total);
  OrphanKind kinds[orphan_kinds_max + 1];
  uint64_t counted = 0;
  uint32_t known = orphans_read(kinds);
  for (uint32_t i = 0; i < known; i++) counted += kinds[i].count;
  CHECK(counted == (uint64_t)total);
  CHECK(known == 1 && strcmp(kinds[0].comm, "native_child") == 0 && strcmp(kinds[0].job, "test") == 0);
  // At 100, and at 1000.
  CHECK(world.orphan_warnings == (total < 1000 ? 1 : 2));
}

static void orphans_pid1() { check_orphans(1000); }
static void orphans_subreaper() { check_orphans(500); }

static void all_codes() {
  CHECK(boot(false).error == 0);
  std::vector<uint32_t> runs;
  int wrong = 0;
  for (int code = 0; code < 256; code++) runs.push_back(start({"exit", std::to_string(code)}));
  for (int code = 0; code < 256; code++) {
    Told& told = world.runs[runs[code]];
    wrong += !world.wait_done(runs[code]) || told.code != code || told.signo != 0 || told.core;
  }
  CHECK(wrong == 0);
}

static void all_signals() {
  CHECK(boot(false).error == 0);
  int wrong = 0;
  for (int signo = 1; signo <= 64; signo++) {
    // Their default does not end a process.
    if (signo == SIGCHLD || signo == SIGCONT || signo == SIGURG || signo == SIGWINCH || signo == SIGSTOP || signo == SIGTSTP ||
        signo == SIGTTIN || signo == SIGTTOU)
      continue;
    uint32_t run = start({"die", std::to_string(signo)});
    wrong += !world.wait_done(run) || world.runs[run].signo != signo || world.runs[run].code != 0;
  }
  CHECK(wrong == 0);
}

/** Each waits for the next one to be gone altogether, reaped: so the last begun ends first, and nothing is told meanwhile. */
static void order_of_ends() {
  constexpr int count = 40;
  CHECK(boot(false).error == 0);
  std::vector<uint32_t> runs;
  std::string folder = make_temp_dir();
  for (int i = 0; i < count; i++) {
    std::string script = "read pid <" + folder + "/" + std::to_string(i) + "; while kill -0 $pid 2>/dev/null; do sleep 0.005; done";
    CHECK(mkfifo((folder + "/" + std::to_string(i)).c_str(), 0600) == 0);
    runs.push_back(next_run());
    CHECK(start_program(runs.back(), "/bin/sh", {"sh", "-c", script}) > 0);
  }
  // Each is told its successor; the last one that of a process that was never there.
  for (int i = 0; i < count; i++) {
    FILE* fifo = fopen((folder + "/" + std::to_string(i)).c_str(), "w");
    const cp_child* next = i + 1 < count ? table_find_run(runs[i + 1]) : nullptr;
    fprintf(fifo, "%d\n", next == nullptr ? 4194304 : next->pid);
    fclose(fifo);
  }
  CHECK(world.ended.empty());
  for (int waited = 0; waited < patience_ms && table_find_pid(cp_load(table_find_run(runs[0])->pid)) != nullptr; waited += 20)
    nap_ms(20);
  for (uint32_t run : runs) CHECK(world.wait_done(run));
  std::vector<uint32_t> backwards(runs.rbegin(), runs.rend());
  CHECK(world.ended == backwards);
}

/** Programs name themselves as they like: the table of names stays small, and no name breaks a line of the log. */
static void orphan_names() {
  CHECK(boot(false).error == 0);
  constexpr int names = 80;
  for (int i = 0; i < names; i++) {
    CHECK(world.wait_done(start({"orphan-named", "a\nb" + std::to_string(i)})));
    CHECK(world.wait([i] { return cp_load(table->orphans) == (uint64_t)i + 1; }));
  }
  OrphanKind kinds[orphan_kinds_max + 1];
  CHECK(orphans_read(kinds) == orphan_kinds_max + 1);
  CHECK(strcmp(kinds[0].comm, "a?b0") == 0);
  CHECK(strcmp(kinds[orphan_kinds_max].comm, "(others)") == 0);
  CHECK(kinds[orphan_kinds_max].count == names - orphan_kinds_max);
}

/** Nothing is there to wait for, then an orphan of somebody else's arrives, as after `docker exec`. */
static void first_child_late() {
  CHECK(boot(false).error == 0);
  nap_ms(100);
  std::string ready = make_temp_dir() + "/ready";
  pid_t outsider = fork();
  if (outsider == 0) {
    execl(child_path.c_str(), "test", "linger", "session", ready.c_str(), nullptr);
    _exit(1);
  }
  CHECK(world.wait([] { return cp_load(table->orphans) == 1; }));
  CHECK(wait_file(ready));
  CHECK(process_sweep(SIGKILL) == 1);
  CHECK(world.wait([] { return cp_load(table->orphans) == 2; }));
}

const std::vector<Test> reap_tests = {
    {"orphans as PID 1", Place::pid1, orphans_pid1},
    {"orphans as subreaper", Place::here, orphans_subreaper},
    {"ends are told in their order", Place::here, order_of_ends},
    {"orphans by name", Place::here, orphan_names},
    {"all exit codes", Place::here, all_codes},
    {"all ends by signal", Place::here, all_signals},
    {"first child is a late orphan", Place::pid1, first_child_late},
};

}  // namespace pilot
