// From JavaScript values to plain data: each guard says in a TypeError which argument is wrong and what is allowed.
#pragma once
#include <stdint.h>
#include <stdlib.h>

// Weak: when preloaded into a shell that wraps Node there is no Node-API, and nothing may fail because of that.
#define NAPI_EXTERN __attribute__((visibility("default"), weak))
#include <node_api.h>

namespace pilot {

/** Memory of one call, freed at its end. */
class Arena {
 public:
  Arena() = default;
  ~Arena() {
    while (last_ != nullptr) {
      Block* before = last_->before;
      free(last_);
      last_ = before;
    }
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /** Never null: a process that has no memory for an argument list cannot go on. */
  void* take(size_t bytes);
  template <typename T>
  T* array(size_t count) {
    return static_cast<T*>(take(count * sizeof(T)));
  }

 private:
  struct Block {
    Block* before;
    size_t used;
    size_t bytes;
  };
  Block* last_ = nullptr;
};

/** A string as UTF-8, with a 0 byte behind it that `size` does not count. */
struct Text {
  char* data;
  size_t size;
};

/**
 * Reads the parts of one call. After the first wrong one a TypeError is pending and all further reads give empty values,
 * so a caller checks `failed()` once, before it acts.
 */
class Reader {
 public:
  Reader(napi_env env, Arena& arena) : env_(env), arena_(arena) {}
  bool failed() const { return failed_; }
  /** Throws: `name` must be `allowed`. */
  void reject(const char* name, const char* allowed);

  napi_value property(napi_value object, const char* name);
  int64_t integer(napi_value value, const char* name, int64_t min, int64_t max);
  /** As integer, but Infinity, which is RLIM_INFINITY, is one too. */
  uint64_t amount(napi_value value, const char* name);
  /** The value is not undefined. */
  bool given(napi_value value);
  bool boolean(napi_value value, const char* name);
  /** Any bytes. */
  Text text(napi_value value, const char* name);
  /** Without a 0 byte inside: the kernel would cut it there. */
  const char* c_string(napi_value value, const char* name);
  /** As c_string; null when it is undefined. */
  const char* optional_c_string(napi_value value, const char* name);
  /** Index of the value in `names`, which ends with a null. */
  int one_of(napi_value value, const char* name, const char* const* names);
  uint32_t length(napi_value value, const char* name);
  napi_value element(napi_value array, uint32_t index);
  /** As execve takes it: ends with a null. */
  char** c_strings(napi_value value, const char* name);

 private:
  napi_env env_;
  Arena& arena_;
  bool failed_ = false;
};

}  // namespace pilot
