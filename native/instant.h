// Instant start, the runtime's side: what the launcher has left open for this program when it started the application.
#pragma once
#include "control.h"
#include "table.h"

namespace pilot {

/** After the log pump was started: its streams become the run's, and lines go out as the configuration has it. */
void instant_pump();

/** Keeps what nobody has taken over yet open over the next exec, or not. Async-signal-safe. */
void instant_keep_over_exec(bool keep);

/** The launcher's socket, once, if it listens for this place; another one is closed and its file removed. */
bool instant_socket(const char* path, ControlPlace* place);

}  // namespace pilot
