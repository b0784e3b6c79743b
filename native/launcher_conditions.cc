#include "launcher_conditions.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

namespace pilot {

static const char* boot_path = "";

bool refuse(const char* format, ...) {
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
static bool find_path(const char* config, char* path) {
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

bool find_boot_file(const launch_call& call, boot_file* file) {
  const char* config = call.config;
  if (config == nullptr || *config == 0) config = getenv("CONTAINERPILOT");
  if (config == nullptr) config = "";
  static char path[PATH_MAX];
  if (!find_path(config, path)) return false;
  boot_path = path;
  const char* wrong = boot_read(path, file);
  if (wrong == nullptr) return text_is_the_same(*file, config) && variables_are_the_same(*file);
  if (*wrong == 0 && getenv("CONTAINERPILOT_BOOT") == nullptr) return false;
  return refuse("%s", *wrong != 0 ? wrong : "there is no such file");
}

char** list_of(const boot_file& file, const char* key) {
  char** list = static_cast<char**>(calloc(file.count + 1, sizeof *list));
  size_t at = 0;
  if (list != nullptr)
    for (char** next = list; (*next = boot_next(&file, key, &at)) != nullptr; next++) continue;
  return list;
}

char** find_words(const boot_file& file, const launch_call& call) {
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

bool find_program(const char* name, char* path) {
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

bool runtime_is_program() {
  char head[4] = "";
  int fd = open(table->command.runtime, O_RDONLY | O_CLOEXEC);
  bool is_elf = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head && memcmp(head, "\177ELF", sizeof head) == 0;
  if (fd >= 0) close(fd);
  return is_elf || refuse("%s is no program but a script", table->command.runtime);
}

}  // namespace pilot
