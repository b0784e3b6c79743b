#include "napi_args.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

namespace pilot {

static constexpr size_t arena_block_bytes = 16 * 1024;
// Far more words and variables than execve takes, and little enough to have room for them.
static constexpr uint32_t elements_max = 1 << 20;

void* Arena::take(size_t bytes) {
  bytes = (bytes + 15) & ~size_t{15};
  if (last_ == nullptr || last_->bytes - last_->used < bytes) {
    size_t room = bytes > arena_block_bytes ? bytes : arena_block_bytes;
    Block* block = static_cast<Block*>(malloc(sizeof(Block) + 16 + room));
    if (block == nullptr) abort();
    *block = {last_, 0, room};
    last_ = block;
  }
  uintptr_t start = (reinterpret_cast<uintptr_t>(last_ + 1) + 15) & ~uintptr_t{15};
  void* memory = reinterpret_cast<void*>(start + last_->used);
  last_->used += bytes;
  return memory;
}

void Reader::reject(const char* name, const char* allowed) {
  if (failed_) return;
  failed_ = true;
  char message[256];
  snprintf(message, sizeof message, "%s must be %s", name, allowed);
  napi_throw_type_error(env_, nullptr, message);
}

napi_value Reader::property(napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_valuetype type = napi_undefined;
  if (failed_) return nullptr;
  napi_typeof(env_, object, &type);
  if (type != napi_object || napi_get_named_property(env_, object, name, &value) != napi_ok) {
    reject(name, "a property of an object");
    return nullptr;
  }
  return value;
}

int64_t Reader::integer(napi_value value, const char* name, int64_t min, int64_t max) {
  double number = 0;
  if (failed_) return 0;
  bool whole = napi_get_value_double(env_, value, &number) == napi_ok && number >= (double)min && number <= (double)max &&
               number == (double)(int64_t)number;
  if (whole) return (int64_t)number;
  char allowed[80];
  snprintf(allowed, sizeof allowed, "an integer from %lld to %lld", (long long)min, (long long)max);
  reject(name, allowed);
  return 0;
}

uint64_t Reader::amount(napi_value value, const char* name) {
  double number = 0;
  if (failed_) return 0;
  if (napi_get_value_double(env_, value, &number) == napi_ok && isinf(number) && number > 0) return RLIM_INFINITY;
  return (uint64_t)integer(value, name, 0, INT64_C(1) << 53);
}

bool Reader::given(napi_value value) {
  napi_valuetype type = napi_undefined;
  return !failed_ && napi_typeof(env_, value, &type) == napi_ok && type != napi_undefined;
}

bool Reader::boolean(napi_value value, const char* name) {
  bool truth = false;
  if (!failed_ && napi_get_value_bool(env_, value, &truth) != napi_ok) reject(name, "true or false");
  return truth;
}

Text Reader::text(napi_value value, const char* name) {
  static char empty[1] = "";
  size_t bytes = 0;
  if (failed_) return {empty, 0};
  if (napi_get_value_string_utf8(env_, value, nullptr, 0, &bytes) != napi_ok) {
    reject(name, "a string");
    return {empty, 0};
  }
  char* data = arena_.array<char>(bytes + 1);
  napi_get_value_string_utf8(env_, value, data, bytes + 1, &bytes);
  return {data, bytes};
}

const char* Reader::c_string(napi_value value, const char* name) {
  Text read = text(value, name);
  if (strlen(read.data) != read.size) reject(name, "a string without a NUL character");
  return read.data;
}

const char* Reader::optional_c_string(napi_value value, const char* name) {
  return given(value) ? c_string(value, name) : nullptr;
}

int Reader::one_of(napi_value value, const char* name, const char* const* names) {
  Text read = text(value, name);
  if (failed_) return 0;
  char allowed[128] = "one of";
  for (int i = 0; names[i] != nullptr; i++) {
    if (strcmp(read.data, names[i]) == 0) return i;
    size_t used = strlen(allowed);
    snprintf(allowed + used, sizeof allowed - used, "%s \"%s\"", i == 0 ? "" : ",", names[i]);
  }
  reject(name, allowed);
  return 0;
}

uint32_t Reader::length(napi_value value, const char* name) {
  uint32_t count = 0;
  if (!failed_ && napi_get_array_length(env_, value, &count) != napi_ok) reject(name, "an array");
  if (count > elements_max) reject(name, "an array of at most 1048576 elements");
  return failed_ ? 0 : count;
}

napi_value Reader::element(napi_value array, uint32_t index) {
  napi_value value = nullptr;
  if (!failed_) napi_get_element(env_, array, index, &value);
  return value;
}

char** Reader::c_strings(napi_value value, const char* name) {
  uint32_t count = length(value, name);
  char** strings = arena_.array<char*>((size_t)count + 1);
  for (uint32_t i = 0; i < count; i++) {
    // One scope an element: a long environment would otherwise hold a handle for every string until the call returns.
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    strings[i] = const_cast<char*>(c_string(element(value, i), name));
    napi_close_handle_scope(env_, scope);
  }
  strings[count] = nullptr;
  return strings;
}

}  // namespace pilot
