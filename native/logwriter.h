// Pieces of a log line that more than one format needs.
#pragma once
#include <string.h>

#include "logformat.h"

namespace pilot {

/** Writes forward into a buffer that is known to be large enough. */
class Writer {
 public:
  explicit Writer(char* out) : start_(out), at_(out) {}
  size_t size() const { return static_cast<size_t>(at_ - start_); }
  void byte(char value) { *at_++ = value; }
  void bytes(Bytes value) {
    if (value.size == 0) return;
    memcpy(at_, value.data, value.size);
    at_ += value.size;
  }
  template <size_t N>
  void literal(const char (&text)[N]) {
    bytes({text, N - 1});
  }
  /** At least `width` digits, with leading zeros. */
  void decimal(uint64_t value, int width) {
    char digits[20];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    for (int i = count; i < width; i++) byte('0');
    while (count > 0) byte(digits[--count]);
  }

 private:
  char* start_;
  char* at_;
};

/** The word the originals use. */
Bytes log_level_name(LogLevel level);

/** Bytes of the UTF-8 sequence that starts at `data`, 0 when there is none (Go's rules: no surrogates, no overlongs). */
size_t utf8_size(const unsigned char* data, size_t size);

/** Orders as Go's sort.Strings: by bytes, the shorter first. */
inline bool before(Bytes a, Bytes b) {
  int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
  return order != 0 ? order < 0 : a.size < b.size;
}

inline bool is(Bytes a, const char* text) { return a.size == strlen(text) && memcmp(a.data, text, a.size) == 0; }

/** An object of the line's fields and its own, keys sorted, in three pieces; `time` as it is printed. */
void put_json_head(Writer& out, const LogEntry& entry);
void put_json_message(Writer& out, Bytes message);
void put_json_tail(Writer& out, const LogEntry& entry, Bytes time);

}  // namespace pilot
