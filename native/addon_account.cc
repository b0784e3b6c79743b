// Who is there, and who was: processes that outlive the stop, orphans by name.
#include "napi_values.h"
#include "orphans.h"
#include "process.h"

namespace pilot {

napi_value swept_call(napi_env env, napi_callback_info) {
  SweptProcess swept[swept_max];
  int count = process_swept(swept);
  napi_value list;
  napi_create_array(env, &list);
  for (int i = 0; i < count; i++) {
    napi_value object;
    napi_create_object(env, &object);
    set_integer(env, object, "pid", swept[i].pid);
    set_text(env, object, "name", swept[i].name, NAPI_AUTO_LENGTH);
    napi_set_element(env, list, (uint32_t)i, object);
  }
  return list;
}

napi_value orphans_call(napi_env env, napi_callback_info) {
  OrphanKind kinds[orphan_kinds_max + 1];
  uint32_t count = orphans_read(kinds);
  napi_value list;
  napi_create_array(env, &list);
  for (uint32_t i = 0; i < count; i++) {
    napi_value object;
    napi_create_object(env, &object);
    set_text(env, object, "comm", kinds[i].comm, NAPI_AUTO_LENGTH);
    set_integer(env, object, "count", (int64_t)kinds[i].count);
    set_integer(env, object, "pid", kinds[i].last_pid);
    set_text(env, object, "job", kinds[i].job, NAPI_AUTO_LENGTH);
    napi_set_element(env, list, i, object);
  }
  return list;
}

}  // namespace pilot
