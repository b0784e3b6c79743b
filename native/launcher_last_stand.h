/* The end without a runtime: too many of them have died, or there is none to start any more. */
#ifndef CONTAINERPILOT_LAUNCHER_LAST_STAND_H
#define CONTAINERPILOT_LAUNCHER_LAST_STAND_H
#include "table.h"

/*
 * TERM to the application, its grace, KILL; then the same for everything else; leaves with the application's code, 70 where
 * there is no application.
 */
__attribute__((noreturn)) void launcher_last_stand(struct cp_table* table);

#endif
