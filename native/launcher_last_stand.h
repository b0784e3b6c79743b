/* The end without a runtime: too many of them have died, or there is none to start any more. */
#ifndef CONTAINERPILOT_LAUNCHER_LAST_STAND_H
#define CONTAINERPILOT_LAUNCHER_LAST_STAND_H
#include "table.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * TERM to the application, its grace, KILL; then the same for everything else. `table->main.status` says how the application
 * ended. What it still writes goes out as it is, where its streams are the launcher's.
 */
void launcher_stop_all(struct cp_table* table);

/* Stops all and leaves with the application's code, 70 where there is no application. */
__attribute__((noreturn)) void launcher_last_stand(struct cp_table* table);

#ifdef __cplusplus
}
#endif

#endif
