#include "launcher_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "launcher_address.h"
#include "launcher_boot.h"
#include "launcher_last_stand.h"
#include "reaper.h"
#include "spawn.h"
#include "terminal.h"
#include "unique_fd.h"

extern char** environ;

namespace pilot {

// What ends from here on is collected by the runtime's reaper.
void reaper_wake() {}

static constexpr uint32_t first_run = 1;
static const char* boot_path = "";

/** Notes why the application is not started; false, for the caller to return. */
__attribute__((format(printf, 1, 2))) static bool refuse(const char* format, ...) {
  char* why = table->instant.why_not;
  int used = snprintf(why, CP_REASON_BYTES, "%s: ", boot_path);
  if (used < 0 || used >= CP_REASON_BYTES) return false;
  va_list values;
  va_start(values, format);
  vsnprintf(why + used, CP_REASON_BYTES - (size_t)used, format, values);
  va_end(values);
  return false;
}

/** As src/config/source.ts tells it. */
static bool is_inline(const char* config) {
  const char* first = config + strspn(config, " \t\n\v\f\r");
  return strchr("{[<\"", *first) != nullptr || strpbrk(config, "\r\n") != nullptr;
}

static const char* path_of(const char* config) { return strncmp(config, "file://", 7) == 0 ? config + 7 : config; }

/** Where the boot file is looked for; false: nowhere. */
static bool find_boot_file(const char* config, char* path) {
  const char* named = getenv("CONTAINERPILOT_BOOT");
  if (named != nullptr && strcmp(named, "off") == 0) return false;
  if (named != nullptr && *named != 0) return snprintf(path, PATH_MAX, "%s", named) < PATH_MAX;
  return *config != 0 && !is_inline(config) && snprintf(path, PATH_MAX, "%s.boot", path_of(config)) < PATH_MAX;
}

static bool text_is_the_same(const boot_file& file, const char* config) {
  const char* compiled = boot_value(&file, "config");
  bool in_file = !is_inline(config) || strncmp(config, "file://", 7) == 0;
  int same = compiled == nullptr ? 0 : in_file ? boot_same_text(path_of(config), compiled) : strcmp(config, compiled) == 0;
  if (same < 0) return refuse("%s: %s", path_of(config), errno == 0 ? "no regular file" : strerror(errno));
  return same > 0 || refuse("the configuration has changed since it was compiled");
}

/** What the template read has the values that it was compiled with. */
static bool variables_are_the_same(const boot_file& file) {
  size_t at = 0;
  while (const char* pair = boot_next(&file, "need", &at)) {
    const char* equals = strchr(pair, '=');
    char name[256];
    if (equals == nullptr || (size_t)(equals - pair) >= sizeof name) return refuse("it is damaged");
    snprintf(name, sizeof name, "%.*s", (int)(equals - pair), pair);
    const char* value = getenv(name);
    if (value == nullptr || strcmp(value, equals + 1) != 0)
      return refuse("the variable %s has another value than when the configuration was compiled", name);
  }
  at = 0;
  while (const char* name = boot_next(&file, "unset", &at))
    if (getenv(name) != nullptr) return refuse("the variable %s was not set when the configuration was compiled", name);
  return true;
}

/** The records of a key, with a null behind; null when there is no memory. */
static char** list_of(const boot_file& file, const char* key) {
  char** list = static_cast<char**>(calloc(file.count + 1, sizeof *list));
  size_t at = 0;
  if (list != nullptr)
    for (char** next = list; (*next = boot_next(&file, key, &at)) != nullptr; next++) continue;
  return list;
}

static char** find_words(const boot_file& file, const launch_call& call) {
  char** words = boot_value(&file, "words") != nullptr ? call.words : list_of(file, "argument");
  if (words == nullptr || words[0] == nullptr) {
    refuse("no application is named");
    return nullptr;
  }
  for (char** word = call.words; words == call.words && *word != nullptr; word++) {
    if (strstr(*word, "{{") == nullptr) continue;
    refuse("an argument of the application is a template");
    return nullptr;
  }
  return words;
}

/** As src/runtime/programs.ts: with a slash as it is, else the first executable in PATH. */
static bool find_program(const char* name, char* path) {
  if (strchr(name, '/') != nullptr) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
  const char* directories = getenv("PATH");
  if (directories == nullptr) directories = "/bin:/usr/bin";
  for (const char* start = directories; *name != 0; start++) {
    const char* end = strchrnul(start, ':');
    struct stat about;
    int bytes = snprintf(path, PATH_MAX, "%.*s/%s", end == start ? 1 : (int)(end - start), end == start ? "." : start, name);
    if (bytes < PATH_MAX && stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0) return true;
    if (*end == 0) break;
    start = end;
  }
  return refuse("%s is not in PATH", name);
}

/** The application's environment: ours, and what the runtime would add. */
class Variables {
 public:
  explicit Variables(size_t more) {
    size_t count = 0;
    while (environ[count] != nullptr) count++;
    list_ = static_cast<char**>(calloc(count + more + 1, sizeof *list_));
    for (size_t i = 0; list_ != nullptr && i < count; i++) list_[i] = environ[i];
  }
  bool set(const char* name, const char* value) {
    char* pair = nullptr;
    return asprintf(&pair, "%s=%s", name, value) >= 0 && put(pair);
  }
  bool put(char* pair) {
    if (list_ == nullptr) return refuse("out of memory");
    size_t name = strcspn(pair, "=") + 1;
    char** place = list_;
    while (*place != nullptr && strncmp(*place, pair, name) != 0) place++;
    *place = pair;
    return true;
  }
  char* const* list() const { return list_; }

 private:
  char** list_;
};

static bool add_addresses(const boot_file& file, Variables* variables) {
  size_t at = 0;
  while (const char* name = boot_next(&file, "address", &at)) {
    // Its selectors follow it directly.
    size_t end = at;
    while (end < file.count && strncmp(file.records[end], "select=", 7) == 0) end++;
    boot_file own = {file.records + at, end - at};
    char** selectors = list_of(own, "select");
    char address[ADDRESS_BYTES];
    if (selectors == nullptr || !address_find(selectors, own.count, address)) return refuse("no address for %s", name);
    free(selectors);
    if (!variables->set(name, address)) return false;
  }
  return true;
}

static bool add_variables(const boot_file& file, Variables* variables) {
  char pid[16];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  if (!variables->set("CONTAINERPILOT_PID", pid)) return false;
  size_t at = 0;
  while (char* pair = boot_next(&file, "set", &at))
    if (!variables->put(pair)) return false;
  return add_addresses(file, variables);
}

/** Before the application, so that whatever it asks waits in the backlog, as with the runtime. */
static bool listen_for_runtime(const boot_file& file, Variables* variables) {
  const char* wanted = boot_value(&file, "control");
  cp_instant& instant = table->instant;
  if (wanted == nullptr || snprintf(instant.control_wanted, CP_SOCKET_BYTES, "%s", wanted) >= CP_SOCKET_BYTES) return true;
  ControlPlace place = control_listen(wanted, true);
  instant.control_fd = place.fd;
  instant.control_error = place.error;
  memcpy(instant.control_path, place.path, sizeof place.path);
  return place.fd < 0 || variables->set("CONTAINERPILOT_SOCKET", place.path);
}

/** Pipes for the log pump, which does not run yet: until then a full one makes the application wait. */
static bool open_streams(const boot_file& file, SpawnRequest* request) {
  cp_instant& instant = table->instant;
  for (int fd = 0; fd < 3; fd++) request->streams[fd] = fd;
  const char* input = boot_value(&file, "stdin");
  if (input != nullptr && strcmp(input, "null") == 0)
    request->streams[0] = above_stdio(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (request->streams[0] < 0) return refuse("/dev/null: %s", strerror(errno));
  const char* output = boot_value(&file, "output");
  if (output == nullptr || strcmp(output, "log") != 0) return true;
  const char* log = boot_value(&file, "log");
  if (log == nullptr ||
      sscanf(log, "%hhu %hhu %hhu %hhu", &instant.log_level, &instant.log_format, &instant.log_dialect, &instant.log_fd) != 4)
    return refuse("it is damaged");
  for (int i = 0; i < 2; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return refuse("no pipe: %s", strerror(errno));
    instant.streams[i] = above_stdio(ends[0]);
    request->streams[i + 1] = above_stdio(ends[1]);
    if (instant.streams[i] < 0 || request->streams[i + 1] < 0) return refuse("no pipe: %s", strerror(errno));
    fcntl(instant.streams[i], F_SETFL, O_NONBLOCK);
  }
  request->pumped = request->closes = true;
  size_t at = 0, used = 0;
  while (const char* field = boot_next(&file, "field", &at)) {
    size_t bytes = strlen(field) + 1;
    if (bytes > sizeof instant.fields - used) return refuse("its log fields are too long");
    memcpy(instant.fields + used, field, bytes);
    *strchrnul(instant.fields + used, '=') = 0;
    used += bytes;
    instant.field_count++;
  }
  return true;
}

/** A shell would reap the application before it becomes Node. */
static bool runtime_is_program() {
  char head[4] = "";
  int fd = open(table->command.runtime, O_RDONLY | O_CLOEXEC);
  bool is_elf = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head && memcmp(head, "\177ELF", sizeof head) == 0;
  if (fd >= 0) close(fd);
  return is_elf || refuse("%s is no program but a script", table->command.runtime);
}

static void close_own(int* fd) {
  if (*fd > STDERR_FILENO) close(*fd);
  *fd = -1;
}

/** As if nothing had been tried. */
static void take_back() {
  cp_instant& instant = table->instant;
  for (int32_t& fd : instant.streams) close_own(&fd);
  if (instant.control_fd >= 0) unlink(instant.control_path);
  close_own(&instant.control_fd);
  cp_child& child = table->children[0];
  if (child.pid > 1) waitpid(child.pid, nullptr, 0);
  child.state = CP_FREE;
  table->children_high = table->last_run = 0;
  table->main.run = 0;
  table->main.forward = 0;
  table->terminal.lent = 0;
}

static bool start(const boot_file& file, char** words, const char* program, Variables* variables) {
  SpawnRequest request = {};
  const char *job = boot_value(&file, "job"), *grace = boot_value(&file, "grace"), *forward = boot_value(&file, "forward");
  if (job == nullptr || grace == nullptr || forward == nullptr) return refuse("it is damaged");
  request.run = first_run;
  request.job = job;
  request.file = program;
  request.argv = words;
  if (!listen_for_runtime(file, variables) || !open_streams(file, &request)) return false;
  request.envp = variables->list();
  terminal_record();
  request.foreground = request.streams[0] == STDIN_FILENO && terminal_present();
  // Whatever it leaves in the background is to become ours.
  if (getpid() != 1) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  table->main.run = first_run;
  table->main.grace_ms = atoi(grace);
  table->main.forward = strtoull(forward, nullptr, 16);
  int pid = spawn(request);
  for (int fd = 0; fd < 3; fd++)
    if (request.streams[fd] != fd) close(request.streams[fd]);
  if (pid <= 0) return refuse("%s: %s", program, strerror(-pid));
  table->instant.run = first_run;
  return true;
}

static void start_if_allowed(const launch_call& call) {
  const char* config = call.config;
  if (config == nullptr || *config == 0) config = getenv("CONTAINERPILOT");
  if (config == nullptr) config = "";
  static char path[PATH_MAX], program[PATH_MAX];
  boot_file file = {};
  if (!find_boot_file(config, path)) return;
  boot_path = path;
  const char* wrong = boot_read(path, &file);
  if (wrong != nullptr) {
    bool named = getenv("CONTAINERPILOT_BOOT") != nullptr;
    if (*wrong != 0 || named) refuse("%s", *wrong != 0 ? wrong : "there is no such file");
    return;
  }
  if (!text_is_the_same(file, config) || !variables_are_the_same(file) || !runtime_is_program()) return;
  char** words = find_words(file, call);
  if (words == nullptr || !find_program(words[0], program)) return;
  Variables variables(file.count + 2);
  if (add_variables(file, &variables) && start(file, words, program, &variables)) return;
  take_back();
}

}  // namespace pilot

void launcher_start(struct cp_table* table, const struct launch_call* call) {
  pilot::table = table;
  pilot::start_if_allowed(*call);
}

void launcher_start_undo(struct cp_table* table) {
  if (table->instant.run == 0) return;
  launcher_stop_all(table);
  if (table->instant.control_fd >= 0) unlink(table->instant.control_path);
}
