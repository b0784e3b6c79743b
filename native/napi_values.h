// From plain data to JavaScript values, and the calls that JavaScript makes (src/native/pilot.ts).
#pragma once
#include "napi_args.h"

namespace pilot {

struct Attributes;

inline napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

inline napi_value from_integer(napi_env env, int64_t number) {
  napi_value value;
  napi_create_int64(env, number, &value);
  return value;
}

inline void set_integer(napi_env env, napi_value object, const char* name, int64_t number) {
  napi_set_named_property(env, object, name, from_integer(env, number));
}

inline void set_boolean(napi_env env, napi_value object, const char* name, bool truth) {
  napi_value value;
  napi_get_boolean(env, truth, &value);
  napi_set_named_property(env, object, name, value);
}

inline void set_text(napi_env env, napi_value object, const char* name, const char* text, size_t bytes) {
  napi_value value;
  napi_create_string_utf8(env, text, bytes, &value);
  napi_set_named_property(env, object, name, value);
}

/** Missing arguments are undefined; the guards say which. */
template <size_t count>
void arguments(napi_env env, napi_callback_info info, napi_value (&values)[count]) {
  size_t given = count;
  napi_get_cb_info(env, info, &given, values, nullptr, nullptr);
}

/** Brings the native half up, unless it is; false with an Error pending when it cannot be. */
bool boot_or_throw(napi_env env);

napi_value start_call(napi_env env, napi_callback_info info);
napi_value drain_call(napi_env env, napi_callback_info info);
napi_value told_call(napi_env env, napi_callback_info info);
napi_value remember_call(napi_env env, napi_callback_info info);
napi_value last_words_call(napi_env env, napi_callback_info info);
napi_value park_call(napi_env env, napi_callback_info info);
/** Adds to the answer of `boot` what an earlier runtime of this process has left. */
void set_adoption(napi_env env, napi_value boot);
void read_attributes(Reader& reader, Arena& arena, napi_value from, Attributes* attributes);
napi_value spawn_failure_call(napi_env env, napi_callback_info info);
napi_value spawn_call(napi_env env, napi_callback_info info);
napi_value log_settings_call(napi_env env, napi_callback_info info);
napi_value log_call(napi_env env, napi_callback_info info);
napi_value swept_call(napi_env env, napi_callback_info info);
napi_value orphans_call(napi_env env, napi_callback_info info);

}  // namespace pilot
