// Under which conditions the launcher starts the application. What does not hold is noted in the table.
#pragma once
#include "launcher_boot.h"
#include "launcher_flags.h"

namespace pilot {

/** Notes why the application is not started; false, for the caller to return. */
__attribute__((format(printf, 1, 2))) bool refuse(const char* format, ...);

/** The boot file of this command line, if configuration and variables are those that it was compiled from. */
bool find_boot_file(const launch_call& call, boot_file* file);

/** The values of a key, with a null behind; null when there is no memory. */
char** list_of(const boot_file& file, const char* key);

/** The application's words, without templates; null: there are none. */
char** find_words(const boot_file& file, const launch_call& call);

/** As src/runtime/programs.ts: with a slash as it is, else the first executable in PATH. `path`: PATH_MAX bytes. */
bool find_program(const char* name, char* path);

/** A shell would reap the application before it becomes Node. */
bool runtime_is_program();

}  // namespace pilot
