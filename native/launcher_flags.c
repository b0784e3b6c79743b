#include "launcher_flags.h"

#include <stdlib.h>
#include <string.h>

enum flag { CONFIG, TEXT_FLAG, OTHER_SWITCH, RELOAD, MAINTENANCE, PUTENV, PUTMETRIC, PING };

static const struct {
  const char* name;
  enum flag flag;
} flags[] = {
    {"config", CONFIG},        {"out", TEXT_FLAG},           {"template", OTHER_SWITCH}, {"version", OTHER_SWITCH},
    {"help", OTHER_SWITCH},    {"h", OTHER_SWITCH},          {"reload", RELOAD},         {"maintenance", MAINTENANCE},
    {"putenv", PUTENV},        {"putmetric", PUTMETRIC},     {"ping", PING},
};

struct given {
  int reload, ping;
  /* Anything that is no -config. */
  int more;
  const char* config;
  const char* maintenance;
  char **env, **metrics;
  size_t env_count, metric_count;
  /* Place of the application. */
  int words;
};

/* -1: no switch takes this value. */
static int switch_value(const char* text) {
  static const char* const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
  static const char* const no[] = {"0", "f", "F", "false", "FALSE", "False"};
  if (text == NULL) return 1;
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
    if (strcmp(text, yes[i]) == 0) return 1;
    if (strcmp(text, no[i]) == 0) return 0;
  }
  return -1;
}

static int find_flag(const char* name, size_t bytes) {
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (strlen(flags[i].name) == bytes && memcmp(flags[i].name, name, bytes) == 0) return flags[i].flag;
  return -1;
}

static int take_switch(enum flag flag, const char* value, struct given* given) {
  int on = switch_value(value);
  if (on < 0 || flag == OTHER_SWITCH) return on == 0;
  if (flag == RELOAD) given->reload = on;
  if (flag == PING) given->ping = on;
  return 1;
}

static int take_pair(char* pair, char** pairs, size_t* count) {
  if (strchr(pair, '=') == NULL) return 0;
  pairs[(*count)++] = pair;
  return 1;
}

static int take_text(enum flag flag, char* value, struct given* given) {
  if (flag == CONFIG) given->config = value;
  if (flag == MAINTENANCE) given->maintenance = value;
  if (flag == PUTENV) return take_pair(value, given->env, &given->env_count);
  if (flag == PUTMETRIC) return take_pair(value, given->metrics, &given->metric_count);
  return 1;
}

/* False at the first thing that is Node's. */
static int walk(int argc, char** argv, struct given* given) {
  given->words = argc;
  for (int i = 1; i < argc; i++) {
    char* word = argv[i];
    int ends = strcmp(word, "--") == 0;
    if (word[0] != '-' || word[1] == 0 || ends) {
      given->words = i + ends;
      return 1;
    }
    char* name = word + (word[1] == '-' ? 2 : 1);
    size_t bytes = strcspn(name, "=");
    int flag = find_flag(name, bytes);
    if (flag < 0) return 0;
    given->more |= flag != CONFIG;
    char* value = name[bytes] == '=' ? name + bytes + 1 : NULL;
    if (flag == OTHER_SWITCH || flag == RELOAD || flag == PING) {
      if (!take_switch((enum flag)flag, value, given)) return 0;
      continue;
    }
    if (value == NULL && ++i < argc) value = argv[i];
    if (value == NULL || !take_text((enum flag)flag, value, given)) return 0;
  }
  return 1;
}

static int set(struct control_call* call, enum control_verb verb, const char* flag, char** pairs, size_t count) {
  *call = (struct control_call){verb, flag, pairs, count};
  return 1;
}

static int read_flags(int argc, char** argv, struct given* given) {
  given->env = calloc((size_t)argc, sizeof *given->env);
  given->metrics = calloc((size_t)argc, sizeof *given->metrics);
  return given->env != NULL && given->metrics != NULL && walk(argc, argv, given);
}

int control_call_read(int argc, char** argv, struct control_call* call) {
  if (argc < 2) return 0;
  struct given given = {0};
  if (!read_flags(argc, argv, &given)) return 0;
  /* The original's order: only one of them is done. */
  if (given.reload) return set(call, CONTROL_RELOAD, "-reload", NULL, 0);
  if (given.maintenance != NULL && *given.maintenance != 0) {
    if (strcmp(given.maintenance, "enable") == 0) return set(call, CONTROL_ENABLE, "-maintenance", NULL, 0);
    return strcmp(given.maintenance, "disable") == 0 && set(call, CONTROL_DISABLE, "-maintenance", NULL, 0);
  }
  if (given.env_count > 0) return set(call, CONTROL_PUTENV, "-putenv", given.env, given.env_count);
  if (given.metric_count > 0) return set(call, CONTROL_PUTMETRIC, "-putmetric", given.metrics, given.metric_count);
  return given.ping && set(call, CONTROL_PING, "-ping", NULL, 0);
}

int launch_call_read(int argc, char** argv, struct launch_call* call) {
  struct given given = {0};
  if (argc < 1 || !read_flags(argc, argv, &given) || given.more) return 0;
  *call = (struct launch_call){given.config, argv + given.words};
  return 1;
}
