/*
 * containerpilot, the entrypoint: makes sure that no signal is lost before the init can take it, then becomes Node.
 *
 * Node empties its signal mask when it starts, so blocking here is not enough: the addon goes along as a preload, keeps the
 * mask and starts to take signals before Node's main. CONTAINERPILOT_LAUNCHER=off leaves all that out.
 *
 * Called with a flag that asks a running containerpilot for something, it asks, and there is no Node at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "early.h"
#include "launcher_ask.h"
#include "launcher_elf.h"
#include "launcher_last_stand.h"
#include "launcher_runtime.h"
#include "launcher_start.h"
#include "launcher_table.h"

#define BUNDLE "containerpilot.cjs"
#define ADDON "pilot.node"

/* Exit codes of shells and env(1): not found, found but not executable. */
enum { EXIT_NOT_FOUND = 127, EXIT_NOT_RUNNABLE = 126 };

__attribute__((noreturn, format(printf, 2, 3))) static void fail(int code, const char* format, ...) {
  char line[3 * PATH_MAX] = "containerpilot: ";
  size_t used = strlen(line);
  va_list values;
  va_start(values, format);
  vsnprintf(line + used, sizeof line - used - 1, format, values);
  va_end(values);
  used = strlen(line);
  line[used++] = '\n';
  if (write(STDERR_FILENO, line, used) < 0) _exit(code);
  _exit(code);
}

/* Joins into a buffer of PATH_MAX; false when it does not fit. */
static int join(char* path, const char* directory, const char* name) {
  int bytes = snprintf(path, PATH_MAX, "%s/%s", directory, name);
  return bytes > 0 && bytes < PATH_MAX;
}

static int is_file(const char* path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISREG(found.st_mode);
}

/* The directory this program really lies in, links followed. */
static void own_directory(char* directory) {
  ssize_t bytes = readlink("/proc/self/exe", directory, PATH_MAX - 1);
  if (bytes > 0) {
    directory[bytes] = 0;
  } else {
    /* No /proc: the name that execve was given (getauxval(3)). */
    const char* name = (const char*)getauxval(AT_EXECFN);
    if (name == NULL || realpath(name, directory) == NULL)
      fail(EXIT_NOT_FOUND, "cannot tell where this program lies: no /proc, and %s", strerror(errno));
  }
  char* slash = strrchr(directory, '/');
  slash[slash == directory ? 1 : 0] = 0;
}

/* Beside the launcher in an image; the others are a checkout, /usr/local with lib/, and the npm package. */
static int find_bundle(const char* directory, char* path) {
  static const char* const places[] = {BUNDLE, "../dist/" BUNDLE, "../lib/containerpilot/" BUNDLE, "../../dist/" BUNDLE};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    char candidate[PATH_MAX];
    if (join(candidate, directory, places[i]) && is_file(candidate) && realpath(candidate, path) != NULL) return 1;
  }
  return 0;
}

/* The user's choice, else beside the launcher, else beside the bundle. */
static int find_addon(const char* directory, const char* bundle, char* path) {
  const char* named = getenv("CONTAINERPILOT_ADDON");
  if (named != NULL && *named != 0) return realpath(named, path) != NULL;
  char candidate[PATH_MAX], beside[PATH_MAX];
  if (join(candidate, directory, ADDON) && is_file(candidate)) return realpath(candidate, path) != NULL;
  strcpy(beside, bundle);
  *strrchr(beside, '/') = 0;
  return join(candidate, beside, ADDON) && is_file(candidate) && realpath(candidate, path) != NULL;
}

static int is_program(const char* path) { return is_file(path) && access(path, X_OK) == 0; }

static int find_in_path(const char* name, char* path) {
  const char* directories = getenv("PATH");
  if (directories == NULL) directories = "/usr/local/bin:/usr/bin:/bin";
  for (const char* start = directories;; start++) {
    const char* end = strchrnul(start, ':');
    char directory[PATH_MAX];
    /* An empty element is the current directory. */
    int length = end == start ? 1 : (int)(end - start);
    int bytes = snprintf(directory, sizeof directory, "%.*s", length, end == start ? "." : start);
    if (bytes < PATH_MAX && join(path, directory, name) && is_program(path)) return 1;
    if (*end == 0) return 0;
    start = end;
  }
}

static int find_runtime(const char* directory, char* path) {
  const char* named = getenv("CONTAINERPILOT_NODE");
  if (named != NULL && *named != 0) {
    if (strchr(named, '/') == NULL) return find_in_path(named, path);
    return snprintf(path, PATH_MAX, "%s", named) < PATH_MAX;
  }
  if (join(path, directory, "node") && is_program(path)) return 1;
  return find_in_path("node", path);
}

/*
 * The first thing of all: what comes from here on waits until somebody takes it. Only an exec with the addon as a preload
 * may leave it so.
 */
static uint64_t given_mask;
static void block_signals(void) {
  uint64_t set = CP_BLOCKED_SET;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &given_mask, sizeof set);
}

/* For whatever is not the init under its preload. */
static void give_back_signals(void) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &given_mask, NULL, sizeof given_mask); }

/* LD_PRELOAD has no way to write ':' or ' ' in a path. */
static int can_be_preloaded(const char* addon) { return strpbrk(addon, ": ") == NULL; }

/* Lets the addon keep our signals blocked; false when it cannot be preloaded. */
static int protect_boot(const char* addon) {
  /* What is preloaded and what is loaded later must be the same file, or there were two native halves. */
  if (setenv("CP_ADDON", addon, 1) != 0) fail(EXIT_NOT_RUNNABLE, "out of memory");
  if (!can_be_preloaded(addon)) return 0;
  const char* users = getenv("LD_PRELOAD");
  int has_users = users != NULL && *users != 0;
  char *value = NULL, *early = NULL;
  const char* separator = has_users ? ":" : "";
  if (!has_users) users = "";
  int written = asprintf(&value, "%s%s%s", addon, separator, users);
  if (written < 0 || asprintf(&early, "%d%s%s", (int)getpid(), separator, users) < 0) fail(EXIT_NOT_RUNNABLE, "out of memory");
  if (setenv("LD_PRELOAD", value, 1) != 0 || setenv("CP_EARLY", early, 1) != 0) fail(EXIT_NOT_RUNNABLE, "out of memory");
  return 1;
}

static char** runtime_arguments(char* runtime, char* bundle, int argc, char** argv) {
  char** arguments = launcher_runtime_arguments(runtime, bundle, argc, argv);
  if (arguments == NULL) fail(EXIT_NOT_RUNNABLE, "out of memory");
  return arguments;
}

/* The runtime has died, and execve has put us in its place: the process goes on with a new one. */
__attribute__((noreturn)) static void start_again(struct cp_table* table, int argc, char** argv) {
  struct cp_command* command = &table->command;
  if (table->rebirth.last_stand == 0) {
    char** arguments = runtime_arguments(command->runtime, command->bundle, argc, argv);
    protect_boot(command->addon);
    launcher_table_exec(table, arguments);
  }
  launcher_last_stand(table);
}

/* Before the runtime, where a boot file allows it. */
static void start_application(struct cp_table* table, int argc, char** argv) {
  struct launch_call call;
  if (launch_call_read(argc, argv, &call)) launcher_start(table, &call);
}

int main(int argc, char** argv) {
  block_signals();
  struct cp_table* table = launcher_table_find(&argc, &argv);
  if (table != NULL) start_again(table, argc, argv);
  struct control_call call;
  int asks = control_call_read(argc, argv, &call);
  if (asks) {
    give_back_signals();
    int code = control_ask(&call);
    if (code >= 0) return code;
  }
  static char directory[PATH_MAX], bundle[PATH_MAX], addon[PATH_MAX], runtime[PATH_MAX];
  own_directory(directory);
  if (!find_bundle(directory, bundle))
    fail(EXIT_NOT_FOUND, "%s was not found: it belongs beside this program in %s, or in ../dist, ../lib/containerpilot or ../../dist",
         BUNDLE, directory);
  if (!find_runtime(directory, runtime))
    fail(EXIT_NOT_FOUND, "Node.js was not found: name it in CONTAINERPILOT_NODE, put `node` into %s, or have it in PATH",
         directory);
  char** arguments = runtime_arguments(runtime, bundle, argc, argv);
  const char* wanted = getenv("CONTAINERPILOT_LAUNCHER");
  int protected = 0;
  if (!asks && (wanted == NULL || strcmp(wanted, "off") != 0) && find_addon(directory, bundle, addon) &&
      launcher_loadable(addon, runtime)) {
    /* With the variables as they were given. */
    table = launcher_table_make(argv);
    if (table != NULL) launcher_table_command(table, runtime, bundle, addon);
    if (table != NULL && table->replaceable != 0 && can_be_preloaded(addon)) start_application(table, argc, argv);
    protected = protect_boot(addon);
  }
  if (!protected) give_back_signals();
  int error;
  if (protected && table != NULL) {
    error = launcher_table_exec(table, arguments);
    launcher_start_undo(table);
  } else {
    execv(runtime, arguments);
    error = errno;
  }
  int missing = error == ENOENT && !is_file(runtime);
  fail(missing ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE, "%s cannot be run: %s%s", runtime, strerror(error),
       error == ENOENT && !missing ? " (its loader is missing: built for another C library?)" : "");
}
