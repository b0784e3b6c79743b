/* Asks a running containerpilot over its control socket, in place of a Node that would do the same in a hundred times as long. */
#pragma once
#include "launcher_flags.h"

/* The code to leave with; -1 when nobody answers where a socket is by default, so that only the configuration can tell. */
int control_ask(const struct control_call* call);
