#include "launcher_runtime.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* On the command line, because NODE_OPTIONS would reach the application, and refuses the first of each. */
static const char* const usual[] = {"--optimize-for-size", "--max-semi-space-size=1", "--v8-pool-size=0"};
/* Without a compiler and what it collects: a heap a third smaller, and no slower for work as little as ours. */
static const char* const small[] = {"--lite-mode", "--max-semi-space-size=1", "--v8-pool-size=0"};
enum { FLAGS = sizeof usual / sizeof usual[0] };
_Static_assert(sizeof small == sizeof usual, "as many flags either way");

char** launcher_runtime_arguments(char* runtime, char* bundle, int argc, char** argv) {
  char** arguments = calloc(FLAGS + 2 + (size_t)argc, sizeof *arguments);
  if (arguments == NULL) return NULL;
  const char* asked = getenv("CONTAINERPILOT_MEMORY");
  const char* const* flags = asked != NULL && strcmp(asked, "small") == 0 ? small : usual;
  size_t count = 0;
  arguments[count++] = runtime;
  for (size_t i = 0; i < FLAGS; i++) arguments[count++] = (char*)flags[i];
  arguments[count++] = bundle;
  for (int i = 1; i < argc; i++) arguments[count++] = argv[i];
  return arguments;
}
