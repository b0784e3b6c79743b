#define _GNU_SOURCE
#include "launcher_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "samefile.h"

extern char** environ;

/* Node alone needs some 20: where hardly more are allowed, none is taken for this. */
#define DESCRIPTORS_MIN 64

static int table_fd = -1;

static struct cp_table* map(int fd) {
  void* memory = mmap(NULL, sizeof(struct cp_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static int above_stdio(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  close(fd);
  return moved;
}

/* Appends strings with their NULs; 0 when they do not fit. */
static int keep(struct cp_command* command, size_t* used, char** strings, uint32_t* count) {
  for (; *strings != NULL; strings++, ++*count) {
    size_t bytes = strlen(*strings) + 1;
    if (bytes > CP_COMMAND_BYTES - *used) return 0;
    memcpy(command->text + *used, *strings, bytes);
    *used += bytes;
  }
  return 1;
}

static void record_origin(struct cp_origin* origin) {
  struct rlimit nofile = {RLIM_INFINITY, RLIM_INFINITY};
  getrlimit(RLIMIT_NOFILE, &nofile);
  origin->nofile_soft = nofile.rlim_cur;
  origin->nofile_hard = nofile.rlim_max;
  for (int fd = 0; fd < 3; fd++) origin->stdio_flags[fd] = fcntl(fd, F_GETFL);
  origin->early = 1;
}

/* Without /proc by the name that execve was given (getauxval(3)). */
static int own_path(char* path) {
  ssize_t bytes = readlink("/proc/self/exe", path, CP_PATH_BYTES - 1);
  if (bytes > 0) {
    path[bytes] = 0;
    return 1;
  }
  const char* name = (const char*)getauxval(AT_EXECFN);
  return name != NULL && realpath(name, path) != NULL;
}

struct cp_table* launcher_table_make(char** argv) {
  struct rlimit nofile;
  if (getrlimit(RLIMIT_NOFILE, &nofile) == 0 && nofile.rlim_max < DESCRIPTORS_MIN) return NULL;
  int fd = above_stdio((int)syscall(SYS_memfd_create, "containerpilot", 1u /* MFD_CLOEXEC */));
  struct cp_table* table = fd >= 0 && ftruncate(fd, sizeof *table) == 0 ? map(fd) : NULL;
  if (table == NULL) {
    if (fd >= 0) close(fd);
    return NULL;
  }
  table->version = CP_TABLE_VERSION;
  table->child_bytes = sizeof(struct cp_child);
  table->children_max = CP_CHILDREN_MAX;
  table->pid = getpid();
  table->log_fd = -1;
  table->main.status = CP_NOT_ENDED;
  record_origin(&table->origin);
  struct cp_command* command = &table->command;
  command->launcher_fd = command->runtime_fd = -1;
  table->instant.streams[0] = table->instant.streams[1] = table->instant.control_fd = -1;
  size_t used = 0;
  int complete = own_path(command->launcher) && keep(command, &used, argv, &command->argc) &&
                 keep(command, &used, environ, &command->envc);
  if (complete) command->launcher_fd = above_stdio(open(command->launcher, O_PATH | O_CLOEXEC));
  table->magic = CP_TABLE_MAGIC;
  table_fd = fd;
  return table;
}

void launcher_table_command(struct cp_table* table, const char* runtime, const char* bundle, const char* addon) {
  struct cp_command* command = &table->command;
  snprintf(command->runtime, sizeof command->runtime, "%s", runtime);
  snprintf(command->bundle, sizeof command->bundle, "%s", bundle);
  snprintf(command->addon, sizeof command->addon, "%s", addon);
  command->runtime_fd = above_stdio(open(runtime, O_PATH | O_CLOEXEC));
  table->replaceable = command->launcher_fd >= 0 && *addon != 0;
}

/* Pointers to consecutive strings, NULL behind the last. */
static char** pointers(char** at, uint32_t count) {
  char** list = calloc((size_t)count + 1, sizeof *list);
  for (uint32_t i = 0; list != NULL && i < count; i++) {
    list[i] = *at;
    *at += strlen(*at) + 1;
  }
  return list;
}

static int is_ours(const struct cp_table* table) {
  return table->magic == CP_TABLE_MAGIC && table->version == CP_TABLE_VERSION &&
         table->child_bytes == sizeof(struct cp_child) && table->pid == getpid() && table->replaceable != 0;
}

struct cp_table* launcher_table_find(int* argc, char*** argv) {
  const char* named = getenv(CP_AGAIN_VARIABLE);
  if (named == NULL) return NULL;
  int fd = atoi(named);
  struct stat found;
  unsetenv(CP_AGAIN_VARIABLE);
  if (fd < 3 || fstat(fd, &found) != 0 || found.st_size != (off_t)sizeof(struct cp_table)) return NULL;
  struct cp_table* table = map(fd);
  if (table == NULL || !is_ours(table)) return NULL;
  char* text = table->command.text;
  char** words = pointers(&text, table->command.argc);
  char** variables = pointers(&text, table->command.envc);
  if (words == NULL || variables == NULL) return NULL;
  *argc = (int)table->command.argc;
  *argv = words;
  environ = variables;
  table_fd = fd;
  for (int i = 0; i < 3; i++) {
    int flags = table->origin.stdio_flags[i];
    if (flags >= 0 && fcntl(i, F_GETFL) != flags) fcntl(i, F_SETFL, flags);
  }
  return table;
}

static void keep_over_exec(int fd) {
  if (fd >= 0) fcntl(fd, F_SETFD, 0);
}

int launcher_table_exec(const struct cp_table* table, char** arguments) {
  const struct cp_command* command = &table->command;
  char number[16];
  snprintf(number, sizeof number, "%d", table_fd);
  /* Without the preload nobody would take them. */
  if (table->replaceable != 0 && setenv(CP_TABLE_VARIABLE, number, 1) == 0) {
    keep_over_exec(table_fd);
    keep_over_exec(command->launcher_fd);
    keep_over_exec(command->runtime_fd);
    keep_over_exec(table->instant.control_fd);
    for (int i = 0; i < 2; i++) keep_over_exec(table->instant.streams[i]);
  }
  if (command->runtime_fd >= 0 && !cp_same_file(command->runtime, command->runtime_fd))
    syscall(SYS_execveat, command->runtime_fd, "", arguments, environ, AT_EMPTY_PATH);
  execv(command->runtime, arguments);
  return errno;
}
