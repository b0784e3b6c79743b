// The log pump across an exec: its memory and its pipes go on, its thread and its epoll sets are made anew.
#pragma once
#include <cstdint>

#include "logstate.h"

namespace pilot {

/** The region that an earlier program of this process has left in this file, or null. Mapped. */
LogRegion* log_region_take(int fd);

/**
 * Goes on with what the region holds: its settings and every run's pipes. A run whose child had not been started is
 * forgotten. To be called with the epoll sets made and the thread not yet started. Null: no such run.
 */
void log_runs_resume(bool (*started)(uint32_t run, int32_t* pid));

/** Keeps the region's file, the pipes and the log's own descriptor open over the next exec, or not. Async-signal-safe. */
void log_keep_over_exec(bool keep);

/** Whether the pump has pipes of this run, or its event `closed` to send. */
bool log_run_known(uint32_t run);

/** Keeps the settings for a program that takes this one's place. */
void log_mode_keep(LogMode mode);

}  // namespace pilot
