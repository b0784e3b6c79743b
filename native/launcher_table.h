/* The launcher's side of the table: it makes it, and finds it again when the program is replaced. */
#ifndef CONTAINERPILOT_LAUNCHER_TABLE_H
#define CONTAINERPILOT_LAUNCHER_TABLE_H
#include "table.h"

/* Names the table's descriptor to the runtime's preload, and to the launcher that a dying runtime becomes. */
#define CP_TABLE_VARIABLE "CP_TABLE"
#define CP_AGAIN_VARIABLE "CP_AGAIN"

/*
 * Makes the table in a memfd that the next exec keeps, with the words and variables this program was given, and what the
 * process was given besides. NULL where there is none to be had (old kernel, few descriptors): then a runtime that dies is
 * parked, not replaced.
 */
struct cp_table* launcher_table_make(char** argv);

/*
 * The table of this very process, when its runtime has died and become the launcher again; else NULL. The flags of the
 * standard streams are what they were, and `argc`, `argv` and environ are those of the first start.
 */
struct cp_table* launcher_table_find(int* argc, char*** argv);

/* Notes what is about to be executed. With the addon as a preload (`addon` not empty) the runtime can be replaced. */
void launcher_table_command(struct cp_table* table, const char* runtime, const char* bundle, const char* addon);

/* Becomes the runtime: by its path, or, when another file lies there by now, by the one that was kept open. Returns errno. */
int launcher_table_exec(const struct cp_table* table, char** arguments);

#endif
