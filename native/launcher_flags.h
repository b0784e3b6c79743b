/* The flags that are a request to a running containerpilot, read by the rules of Go's flag package (src/bin/flags.ts). */
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/* A command line that starts the init, and says nothing else. */
struct launch_call {
  /* The last -config's value, NULL without one. */
  const char* config;
  /* The application and its arguments, with the NULL behind them. */
  char** words;
};

/* False for any other command line. */
int launch_call_read(int argc, char** argv, struct launch_call* call);

#ifdef __cplusplus
}
#endif
