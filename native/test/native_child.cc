// The children of the tests, by a verb and its words. Each says in a file, or on its stdout, what the test waits for. A program
// of its own, never instrumented: a sanitizer's start-up would cost more than all the rest of a test.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

static std::string read_file(const char* path) {
  char text[8192];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t bytes = read(fd, text, sizeof text);
  close(fd);
  return std::string(text, bytes < 0 ? 0 : (size_t)bytes);
}

static void nap() { usleep(1000); }

/** The file holds our pid, and is there only when it does. */
static void touch(const std::string& path) {
  std::string pid = std::to_string(getpid()), unfinished = path + ".new";
  int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (write(fd, pid.data(), pid.size()) < 0) _exit(99);
  close(fd);
  rename(unfinished.c_str(), path.c_str());
}

/** State as exec gave it, one `key=value` a line. */
static void report() {
  std::string status = read_file("/proc/self/status");
  for (const char* key : {"SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"}) {
    size_t at = status.find(std::string("\n") + key + ":\t");
    printf("%s=%s\n", key, at == std::string::npos ? "?" : status.substr(at + strlen(key) + 3, 16).c_str());
  }
  struct rlimit nofile;
  getrlimit(RLIMIT_NOFILE, &nofile);
  printf("nofile=%llu/%llu\n", (unsigned long long)nofile.rlim_cur, (unsigned long long)nofile.rlim_max);
  printf("fds=");
  for (int fd = 0; fd < 1024; fd++)
    if (fcntl(fd, F_GETFD) >= 0) printf("%d%s ", fd, (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? "x" : "");
  for (const char* key : {"Uid", "Gid", "Groups", "NoNewPrivs", "CapEff", "CapAmb", "Umask"}) {
    size_t at = status.find(std::string("\n") + key + ":\t");
    size_t begin = at == std::string::npos ? status.size() : at + strlen(key) + 3;
    printf("\n%s=%s", key, status.substr(begin, status.find('\n', begin) - begin).c_str());
  }
  int death_signal = -1;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  std::string adjusted = read_file("/proc/self/oom_score_adj");
  printf("\nnice=%d\noom=%d\ndeath=%d\ncore=%llu/%llu", getpriority(PRIO_PROCESS, 0), atoi(adjusted.c_str()), death_signal,
         (unsigned long long)core.rlim_cur, (unsigned long long)core.rlim_max);
  char directory[4096];
  printf("\nleader=%d\ncwd=%s\n", getpgrp() == getpid(), getcwd(directory, sizeof directory));
  fflush(stdout);
}

/** Counts signals until QUIT comes; says `N:count` for each and the sum of the values. The file says when it is ready. */
static void count(const std::string& ready) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  touch(ready);
  int counts[65] = {};
  long values = 0;
  siginfo_t info;
  struct timespec none = {0, 0};
  for (bool last = false;;) {
    int signo = last ? sigtimedwait(&all, &info, &none) : sigwaitinfo(&all, &info);
    if (signo < 0) break;
    // Lower numbers are taken first, so others may still be pending behind it.
    last = last || signo == SIGQUIT;
    if (signo == SIGQUIT) continue;
    counts[signo]++;
    if (info.si_code == SI_QUEUE) values += info.si_value.sival_int;
  }
  for (int signo = 1; signo <= 64; signo++)
    if (counts[signo] > 0) printf("%d:%d ", signo, counts[signo]);
  printf("values:%ld", values);
  fflush(stdout);
}

/** Forks twice, so that the second one becomes an orphan: in batches that end all at once. */
static void orphans(int total, int batch) {
  for (int made = 0; made < total;) {
    pid_t middle = fork();
    if (middle == 0) {
      for (int i = 0; i < batch; i++)
        if (fork() == 0) _exit(0);
      _exit(0);
    }
    made += batch;
    waitpid(middle, nullptr, 0);
  }
}

/** Leaves one behind that has given itself a name. */
static void orphan_named(const char* name) {
  if (fork() != 0) return;
  prctl(PR_SET_NAME, name);
  _exit(0);
}

/** `words`: how it behaves. All of them write `ready` last. */
static void linger(const std::string& how, const std::string& ready) {
  if (how.find("term-proof") != std::string::npos) signal(SIGTERM, SIG_IGN);
  if (how.find("session") != std::string::npos && fork() != 0) _exit(0);
  if (how.find("session") != std::string::npos) setsid();
  touch(ready);
  for (;;) pause();
}

/** The leader ends; a process of its group stays, with or without a hold on stdout. */
static void leave_behind(const std::string& ready) {
  if (fork() == 0) {
    touch(ready);
    for (;;) pause();
  }
  while (access(ready.c_str(), F_OK) != 0) nap();
  _exit(3);
}

[[noreturn]] static void die_by(int signo) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  kill(getpid(), signo);
  for (;;) pause();
}

/** Leaves with 100 + the signal when it comes. */
static void exit_on(int signo, const std::string& ready) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signo);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  touch(ready);
  siginfo_t info;
  sigwaitinfo(&set, &info);
  _exit(100 + signo);
}

/** Says in the file `echo` that USR1 has come, then goes on. */
static void echo_signal(const std::string& ready, const std::string& echo) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  touch(ready);
  siginfo_t info;
  sigwaitinfo(&set, &info);
  touch(echo);
  for (;;) pause();
}

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string& verb = words.at(0);
  if (verb == "exit") _exit(atoi(words.at(1).c_str()));
  if (verb == "die") die_by(atoi(words.at(1).c_str()));
  if (verb == "report") report();
  if (verb == "count") count(words.at(1));
  if (verb == "orphans") orphans(atoi(words.at(1).c_str()), atoi(words.at(2).c_str()));
  if (verb == "orphan-named") orphan_named(words.at(1).c_str());
  if (verb == "linger") linger(words.at(1), words.at(2));
  if (verb == "leave-behind") leave_behind(words.at(1));
  if (verb == "exit-on") exit_on(atoi(words.at(1).c_str()), words.at(2));
  if (verb == "echo-signal") echo_signal(words.at(1), words.at(2));
  return 0;
}
