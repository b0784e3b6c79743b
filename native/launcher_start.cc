#include "launcher_start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "launcher_address.h"
#include "launcher_boot.h"
#include "launcher_conditions.h"
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
  static char program[PATH_MAX];
  boot_file file = {};
  if (!find_boot_file(call, &file) || !runtime_is_program()) return;
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
