// Checks for plain test programs: each prints what failed and where; the program ends with `N passed, N failed`.
#pragma once
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>

inline int checks_passed = 0;
inline int checks_failed = 0;

inline bool check_note(bool ok, const char* file, int line, const char* what) {
  ok ? checks_passed++ : checks_failed++;
  if (!ok) fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  return ok;
}

inline void check_print_bytes(const char* label, const char* data, size_t size) {
  constexpr size_t most = 400;
  fprintf(stderr, "  %s (%zu bytes): ", label, size);
  for (size_t i = 0; i < size && i < most; i++) {
    unsigned char c = static_cast<unsigned char>(data[i]);
    if (c == '\n') {
      fputs("\\n", stderr);
    } else if (c < 0x20 || c > 0x7e) {
      fprintf(stderr, "\\x%02x", c);
    } else {
      fputc(c, stderr);
    }
  }
  fputs(size > most ? "...\n" : "\n", stderr);
}

inline bool check_bytes(const char* got, size_t got_size, const char* want, size_t want_size, const char* file, int line,
                        const char* what) {
  bool ok = got_size == want_size && (got_size == 0 || memcmp(got, want, got_size) == 0);
  if (!check_note(ok, file, line, what)) {
    check_print_bytes("got ", got, got_size);
    check_print_bytes("want", want, want_size);
  }
  return ok;
}

/** True when it holds, so that what depends on it can be left out. */
#define CHECK(condition) check_note((condition), __FILE__, __LINE__, #condition)
#define CHECK_BYTES(got, got_size, want, want_size) \
  check_bytes((got), (got_size), (want), (want_size), __FILE__, __LINE__, #got)

/** The last line of a test program; its result is the exit code. */
inline int check_end(const char* name) {
  printf("%s: %d passed, %d failed\n", name, checks_passed, checks_failed);
  return checks_failed == 0 && checks_passed > 0 ? 0 : 1;
}
