/* A container for tests: what a container runtime does to PID 1, without images, daemons and cleaning up. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

enum { LIST_MAX = 16 };

struct container {
  char **argv;
  const char *hostname;
  const char *status; /* file that gets `exit N` or `signal N` */
  const char *pidfile; /* file that gets `pid N`, N as this side sees it, once exec is done */
  const char *netns;   /* join this network namespace (path); NULL: none to join */
  const char *files;   /* tree laid over the root, which becomes private and writable; NULL: the host's root */
  const char *binds[LIST_MAX], *tmpfs[LIST_MAX], *cgroups[LIST_MAX];
  int bind_count, tmpfs_count, cgroup_count;
  bool new_net, read_only, no_proc, tty, as_user;
  uid_t uid;
  gid_t gid;
};

/* Says what failed and why (errno) and leaves with 125, the code by which runtimes tell their own faults. */
_Noreturn void die(const char *what, const char *about);

/* Inner side, before exec: the file systems of the new mount namespace. */
void mount_all(const struct container *c);

/* Outer side of --tty: copies between our stdin, stdout and the terminal until the terminal is closed. */
void pump_terminal(int master);
