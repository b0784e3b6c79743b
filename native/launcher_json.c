#include "launcher_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text* text, const char* data, size_t bytes) {
  if (text->bytes + bytes > text->room) {
    size_t room = (text->bytes + bytes) * 2;
    char* larger = realloc(text->data, room);
    if (larger == NULL) {
      fputs("containerpilot: out of memory\n", stderr);
      _Exit(1);
    }
    text->data = larger;
    text->room = room;
  }
  if (bytes > 0) memcpy(text->data + text->bytes, data, bytes);
  text->bytes += bytes;
}

/* Bytes of the UTF-8 sequence that begins here (RFC 3629); 0: none does. The text ends with a 0, which ends any sequence. */
static size_t utf8_length(const unsigned char* at) {
  if (at[0] < 0x80) return 1;
  size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  /* Too long for what it says, a surrogate, or beyond U+10FFFF. */
  if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0;
  if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) return 0;
  return length;
}

static void add_string(struct text* text, const char* from, size_t bytes) {
  text_add(text, "\"", 1);
  for (size_t i = 0; i < bytes;) {
    const unsigned char* at = (const unsigned char*)from + i;
    size_t length = utf8_length(at);
    char escaped[8];
    if (length == 0) {
      text_add(text, "\xef\xbf\xbd", 3);
      length = 1;
    } else if (*at == '"' || *at == '\\') {
      snprintf(escaped, sizeof escaped, "\\%c", *at);
      text_add(text, escaped, 2);
    } else if (*at < 0x20) {
      snprintf(escaped, sizeof escaped, "\\u%04x", *at);
      text_add(text, escaped, 6);
    } else {
      text_add(text, (const char*)at, length);
    }
    i += length;
  }
  text_add(text, "\"", 1);
}

void json_object(struct text* text, char** pairs, size_t count) {
  text_add(text, "{", 1);
  for (size_t i = 0; i < count; i++) {
    if (i > 0) text_add(text, ",", 1);
    const char* value = strchr(pairs[i], '=') + 1;
    add_string(text, pairs[i], (size_t)(value - pairs[i]) - 1);
    text_add(text, ":", 1);
    add_string(text, value, strlen(value));
  }
  text_add(text, "}", 1);
}
