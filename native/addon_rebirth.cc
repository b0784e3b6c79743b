// What JavaScript asks and tells about its own death: what the next runtime shall know, and what an earlier one has left.
#include <string.h>

#include "clock.h"
#include "dead.h"
#include "napi_values.h"
#include "table.h"

namespace pilot {

static const char* const cause_names[] = CP_CAUSE_NAMES;

/** Every run whose end nobody was told. */
static napi_value adopted_runs(napi_env env) {
  napi_value list;
  napi_create_array(env, &list);
  uint32_t count = 0;
  for (uint32_t i = 0; table_adopts() && i < cp_load(table->children_high); i++) {
    const cp_child* child = &table->children[i];
    if (cp_load(child->state) == CP_FREE || (cp_load(child->owed) & CP_OWES_EXITED) == 0) continue;
    napi_value each;
    napi_create_object(env, &each);
    set_integer(env, each, "run", cp_load(child->run));
    set_text(env, each, "job", child->job, NAPI_AUTO_LENGTH);
    set_integer(env, each, "pid", cp_load(child->pid));
    set_integer(env, each, "ageMs", cp_now_ms() - child->started_ms);
    set_boolean(env, each, "awaits", (cp_load(child->owed) & CP_OWES_CLOSED) != 0);
    napi_set_element(env, list, count++, each);
  }
  return list;
}

static napi_value rebirths(napi_env env) {
  napi_value object, by_cause;
  napi_create_object(env, &object);
  napi_create_object(env, &by_cause);
  const cp_rebirth& record = table->rebirth;
  set_integer(env, object, "count", record.count);
  if (record.count > 0) set_text(env, object, "cause", cause_names[record.cause], NAPI_AUTO_LENGTH);
  for (uint32_t i = 0; i < CP_CAUSES; i++)
    if (record.by_cause[i] > 0) set_integer(env, by_cause, cause_names[i], record.by_cause[i]);
  napi_set_named_property(env, object, "byCause", by_cause);
  return object;
}

static napi_value instant_start(napi_env env) {
  napi_value object;
  napi_create_object(env, &object);
  set_integer(env, object, "run", table->instant.run);
  set_integer(env, object, "graceMs", table->main.grace_ms);
  set_text(env, object, "whyNot", table->instant.why_not, NAPI_AUTO_LENGTH);
  return object;
}

void set_adoption(napi_env env, napi_value boot) {
  napi_set_named_property(env, boot, "adopted", adopted_runs(env));
  napi_set_named_property(env, boot, "rebirths", rebirths(env));
  napi_set_named_property(env, boot, "instant", instant_start(env));
  set_integer(env, boot, "lastRun", cp_load(table->last_run));
  const cp_memory& memory = table->memory;
  uint32_t current = cp_load(memory.current);
  set_text(env, boot, "memory", memory.text[current], memory.bytes[current]);
}

napi_value remember_call(napi_env env, napi_callback_info info) {
  if (!boot_or_throw(env)) return nullptr;
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  Text text = reader.text(values[0], "memory");
  if (reader.failed()) return nullptr;
  napi_value kept;
  napi_get_boolean(env, table_remember(text.data, (uint32_t)text.size), &kept);
  return kept;
}

napi_value last_words_call(napi_env env, napi_callback_info info) {
  static const char* const causes[] = {"throw", "rejection", nullptr};
  if (!boot_or_throw(env)) return nullptr;
  Arena arena;
  Reader reader(env, arena);
  napi_value values[2];
  arguments(env, info, values);
  int cause = reader.one_of(values[0], "cause", causes);
  Text words = reader.text(values[1], "words");
  if (reader.failed()) return nullptr;
  dead_last_words(cause == 0 ? CP_CAUSE_THROW : CP_CAUSE_REJECTION, words.data, (uint32_t)words.size);
  return undefined(env);
}

napi_value park_call(napi_env env, napi_callback_info info) {
  if (!boot_or_throw(env)) return nullptr;
  Arena arena;
  Reader reader(env, arena);
  napi_value values[1];
  arguments(env, info, values);
  const char* words = reader.c_string(values[0], "words");
  if (reader.failed()) return nullptr;
  dead_park(words);
}

}  // namespace pilot
