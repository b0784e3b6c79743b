#define _GNU_SOURCE
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Copies `text` up to `stop` and returns what follows `stop`; NULL where it does not occur. */
static const char *split(char part[PATH_MAX], const char *text, char stop) {
  char set[] = {stop, '\0'};
  size_t length = strcspn(text, set);
  if (length >= PATH_MAX) {
    errno = ENAMETOOLONG;
    die("read", text);
  }
  memcpy(part, text, length);
  part[length] = '\0';
  return text[length] == stop ? text + length + 1 : NULL;
}

static void try_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  if (mount(source, target, type, flags, data) != 0) die("mount", target);
}

static void make_folders(const char *path) {
  char part[PATH_MAX];
  snprintf(part, sizeof part, "%s", path);
  for (char *at = part + 1;; at++) {
    if (*at != '/' && *at != '\0') continue;
    char kept = *at;
    *at = '\0';
    if (mkdir(part, 0755) != 0 && errno != EEXIST && errno != EROFS) die("mkdir", part);
    *at = kept;
    if (kept == '\0') return;
  }
}

static void copy_tree(const char *from, const char *to) {
  char source[PATH_MAX];
  snprintf(source, sizeof source, "%s/.", from);
  char *argv[] = {"cp", "-a", source, (char *)to, NULL};
  pid_t pid;
  int status;
  errno = posix_spawnp(&pid, "cp", NULL, NULL, argv, (char *[]){"PATH=/usr/bin:/bin", NULL});
  if (errno != 0 || waitpid(pid, &status, 0) < 0 || status != 0) die("copy", from);
}

/*
 * A root of our own: the given files over the host's, changes go to memory. The upper layer must not lie below the lower
 * one (overlay refuses that with ELOOP), so it gets a tmpfs, mounted where nothing of the host is needed.
 */
static void enter_overlay(const char *files) {
  try_mount("tmpfs", "/run", "tmpfs", 0, NULL);
  make_folders("/run/up");
  make_folders("/run/work");
  make_folders("/run/root");
  copy_tree(files, "/run/up");
  try_mount("overlay", "/run/root", "overlay", 0, "lowerdir=/,upperdir=/run/up,workdir=/run/work");
  try_mount("/dev", "/run/root/dev", NULL, MS_BIND | MS_REC, NULL);
  try_mount("/sys", "/run/root/sys", NULL, MS_BIND | MS_REC, NULL);
  try_mount("tmpfs", "/run/root/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
}

/* One bind: `PATH` or `SOURCE:TARGET`. The source is looked up in the old root, the target below `root`. */
static void bind_one(const char *spec, const char *root) {
  char source[PATH_MAX], target[PATH_MAX];
  const char *inside = split(source, spec, ':');
  if (snprintf(target, sizeof target, "%s%s", root, inside ? inside : source) >= (int)sizeof target) {
    errno = ENAMETOOLONG;
    die("bind", spec);
  }
  struct stat found;
  if (stat(source, &found) == 0 && S_ISDIR(found.st_mode)) make_folders(target);
  try_mount(source, target, NULL, MS_BIND | MS_REC, NULL);
}

static void change_root(const char *folder) {
  char here[PATH_MAX];
  bool known = getcwd(here, sizeof here) != NULL;
  /* pivot_root(".", ".") stacks the old root upon the new one, from where it is taken away: pivot_root(2). */
  if (chdir(folder) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0) die("pivot_root", folder);
  if (!known || chdir(here) != 0) {
    if (chdir("/") != 0) die("chdir", "/");
  }
}

void mount_all(const struct container *c) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) die("mount", "/ private");
  const char *root = c->files ? "/run/root" : "";
  /* Without a root of its own the container keeps the host's, and its /run must hide before the binds, not after. */
  if (c->files) enter_overlay(c->files);
  else if (!c->read_only) try_mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
  for (int i = 0; i < c->bind_count; i++) bind_one(c->binds[i], root);
  if (c->files) change_root(root);
  if (c->read_only) {
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) != 0) die("mount_setattr", "read-only root");
  }
  if (c->no_proc) try_mount("tmpfs", "/proc", "tmpfs", MS_RDONLY, "mode=555");
  else try_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  try_mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777");
  for (int i = 0; i < c->tmpfs_count; i++) {
    /* `PATH` or `PATH,OPTIONS`, such as `/tmp,size=64k`. */
    char target[PATH_MAX];
    const char *options = split(target, c->tmpfs[i], ',');
    make_folders(target);
    try_mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options);
  }
}
