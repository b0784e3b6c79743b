/* Text that grows, and JSON as Go's encoding/json reads it. */
#pragma once
#include <stddef.h>

struct text {
  char* data;
  size_t bytes, room;
};

/* Ends the process when there is no memory: nothing was asked yet. */
void text_add(struct text* text, const char* data, size_t bytes);

/* NAME=VALUE each as an object of strings; cut at the first `=`. A byte that is not UTF-8 becomes U+FFFD, as Go writes it. */
void json_object(struct text* text, char** pairs, size_t count);
