#define _GNU_SOURCE
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OWN_FAULT = 125 };

_Noreturn void die(const char *what, const char *about) {
  fprintf(stderr, "container: %s %s: %s\n", what, about, strerror(errno));
  _exit(OWN_FAULT);
}

_Noreturn static void usage(void) {
  fputs(
      "usage: container [option…] -- PROGRAM [word…]\n"
      "  runs PROGRAM as PID 1 of namespaces of its own (pid, mount, uts), with /proc, /run and /dev/shm of its own\n"
      "  --net              a network namespace with only lo, up\n"
      "  --netns FILE       the network namespace of FILE, such as /proc/PID/ns/net\n"
      "  --hostname NAME\n"
      "  --user UID[:GID]   without groups; GID is UID unless given\n"
      "  --files FOLDER     a private, writable root: FOLDER's files over the host's\n"
      "  --bind PATH        SOURCE:TARGET or one path for both; writes reach the host\n"
      "  --tmpfs PATH       PATH or PATH,OPTIONS\n"
      "  --rootfs-ro        everything read-only but /dev/shm and what --tmpfs names\n"
      "  --no-proc          an empty /proc\n"
      "  --cgroup FOLDER    joins it (once for each hierarchy)\n"
      "  --tty              a terminal of its own, copied to stdin and stdout\n"
      "  --pidfile FILE     gets `pid N` (as seen from here) once PROGRAM was started\n"
      "  --status FILE      gets `exit N` or `signal N` when PROGRAM has ended; both files may be fd:N\n"
      "  leaves with PROGRAM's code, 128+N for a signal, 125 when the container could not be made\n",
      stderr);
  _exit(OWN_FAULT);
}

static void add(const char **list, int *count, const char *value) {
  if (*count == LIST_MAX) usage();
  list[(*count)++] = value;
}

static void parse_user(struct container *c, const char *text) {
  char *end;
  c->as_user = true;
  c->uid = (uid_t)strtoul(text, &end, 10);
  c->gid = *end == ':' ? (gid_t)strtoul(end + 1, &end, 10) : c->uid;
  if (*end != '\0') usage();
}

static struct container parse(char **argv) {
  struct container c = {0};
  for (argv++; *argv; argv++) {
    const char *name = *argv;
    if (strcmp(name, "--") == 0) {
      c.argv = argv + 1;
      break;
    }
    if (strcmp(name, "--net") == 0) c.new_net = true;
    else if (strcmp(name, "--rootfs-ro") == 0) c.read_only = true;
    else if (strcmp(name, "--no-proc") == 0) c.no_proc = true;
    else if (strcmp(name, "--tty") == 0) c.tty = true;
    else {
      const char *value = *++argv;
      if (!value) usage();
      if (strcmp(name, "--hostname") == 0) c.hostname = value;
      else if (strcmp(name, "--status") == 0) c.status = value;
      else if (strcmp(name, "--pidfile") == 0) c.pidfile = value;
      else if (strcmp(name, "--netns") == 0) c.netns = value;
      else if (strcmp(name, "--files") == 0) c.files = value;
      else if (strcmp(name, "--user") == 0) parse_user(&c, value);
      else if (strcmp(name, "--bind") == 0) add(c.binds, &c.bind_count, value);
      else if (strcmp(name, "--tmpfs") == 0) add(c.tmpfs, &c.tmpfs_count, value);
      else if (strcmp(name, "--cgroup") == 0) add(c.cgroups, &c.cgroup_count, value);
      else usage();
    }
  }
  if (!c.argv || !c.argv[0]) usage();
  return c;
}

static void tell(const char *file, const char *word, int number) {
  if (!file) return;
  int fd = strncmp(file, "fd:", 3) == 0 ? dup(atoi(file + 3)) : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  char line[64];
  int length = snprintf(line, sizeof line, "%s %d\n", word, number);
  if (fd < 0 || write(fd, line, (size_t)length) != length) die("write", file);
  close(fd);
}

static void loopback_up(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0) die("set up", "lo");
  close(fd);
}

static void join_cgroup(const char *folder) {
  char file[4096];
  snprintf(file, sizeof file, "%s/cgroup.procs", folder);
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) != 1) die("join cgroup", folder);
  close(fd);
}

/* Whoever started us may block or ignore signals; a container runtime hands over a clean state. */
static void reset_signals(void) {
  for (int signo = 1; signo < NSIG; signo++) signal(signo, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void be_inside(const struct container *c, int master) {
  if (setsid() < 0) die("setsid", "");
  for (int i = 0; i < c->cgroup_count; i++) join_cgroup(c->cgroups[i]);
  if (c->hostname && sethostname(c->hostname, strlen(c->hostname)) != 0) die("sethostname", c->hostname);
  if (c->new_net) loopback_up();
  if (c->tty) {
    int terminal = ioctl(master, TIOCGPTPEER, O_RDWR);
    if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) != 0) die("open", "terminal");
    for (int fd = 0; fd < 3; fd++) dup2(terminal, fd);
  }
  mount_all(c);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (c->as_user) {
    if (setgroups(0, NULL) != 0 || setgid(c->gid) != 0 || setuid(c->uid) != 0) die("become", "the user");
  }
  /* After setuid, which clears it: prctl(2). */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  reset_signals();
  execvp(c->argv[0], c->argv);
  int code = errno == ENOENT ? 127 : 126;
  fprintf(stderr, "container: exec %s: %s\n", c->argv[0], strerror(errno));
  _exit(code);
}

int main(int argc, char **argv) {
  (void)argc;
  struct container c = parse(argv);
  /* A test that dies takes its containers along. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  reset_signals();
  int master = -1;
  if (c.tty) {
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) die("open", "/dev/ptmx");
  }
  if (c.netns) {
    int fd = open(c.netns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) die("join", c.netns);
    close(fd);
  }
  /*
   * The pid is told when exec is done, which closes the other end: before, PID 1 is this program, and the kernel drops
   * signals to it, as it drops those to a container runtime's own first process.
   */
  int executed[2];
  if (pipe2(executed, O_CLOEXEC) != 0) die("pipe", "");
  unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | (c.new_net ? CLONE_NEWNET : 0);
  pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid < 0) die("clone", "(namespaces refused)");
  if (pid == 0) be_inside(&c, master);
  char byte;
  close(executed[1]);
  while (read(executed[0], &byte, 1) < 0 && errno == EINTR) continue;
  tell(c.pidfile, "pid", pid);
  if (c.tty) pump_terminal(master);
  int status;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) die("wait for", c.argv[0]);
  }
  if (WIFSIGNALED(status)) tell(c.status, "signal", WTERMSIG(status));
  else tell(c.status, "exit", WEXITSTATUS(status));
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
