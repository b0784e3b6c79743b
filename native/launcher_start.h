/* Instant start: the application before the runtime, where the boot file allows it. */
#ifndef CONTAINERPILOT_LAUNCHER_START_H
#define CONTAINERPILOT_LAUNCHER_START_H
#include "launcher_flags.h"
#include "table.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Starts the application if there is a boot file and all its conditions hold, and notes in the table what the runtime has to
 * know about it; else notes why not. The table is complete, the runtime is known, and the environment is still as it was given.
 */
void launcher_start(struct cp_table* table, const struct launch_call* call);

/* The runtime cannot be executed: stops the application with its grace, and everything else. */
void launcher_start_undo(struct cp_table* table);

#ifdef __cplusplus
}
#endif
#endif
