/* The flags that are a request to a running containerpilot, read by the rules of Go's flag package (src/bin/flags.ts). */
#pragma once
#include <stddef.h>

enum control_verb { CONTROL_RELOAD, CONTROL_ENABLE, CONTROL_DISABLE, CONTROL_PUTENV, CONTROL_PUTMETRIC, CONTROL_PING };

struct control_call {
  enum control_verb verb;
  /* The flag as messages name it. */
  const char* flag;
  /* NAME=VALUE each, of -putenv or -putmetric. */
  char** pairs;
  size_t pair_count;
};

/*
 * True when the command line is such a request, and right. Everything else is Node's: what starts the init, what only prints,
 * and every mistake, so that it is worded in one place.
 */
int control_call_read(int argc, char** argv, struct control_call* call);
