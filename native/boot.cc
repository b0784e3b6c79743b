#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "early.h"
#include "logpump.h"
#include "process.h"
#include "reaper.h"
#include "signals.h"
#include "terminal.h"

namespace pilot {

static constexpr int flush_max_ms = 500;

static BootState state;
static bool booted = false;

static int bring_up(bool early) {
  int error = table_make();
  if (error != 0) return error;
  cp_origin(&table->origin);
  terminal_record();
  state.subreaper = subreaper_claim();
  // The preload guards the mask of the threads to come, and there is only this one yet.
  if (early) error = cp_mask(SIG_BLOCK, CP_BLOCKED_SET, nullptr);
  if (error != 0) return error;
  int signals_error = signals_start(early);
  int reaper_error = reaper_start();
  // Without descriptors there is no pump: children then write to our own streams.
  int pump_error = pump_start();
  return signals_error != 0 ? signals_error : reaper_error != 0 ? reaper_error : pump_error;
}

const BootState& boot(bool early) {
  if (booted) return state;
  booted = true;
  state.preloaded = early;
  state.error = bring_up(early);
  return state;
}

/** Node sets O_NONBLOCK on shared pipes and takes it back in its own exit path, which we do not take. */
static void restore_stdio_flags() {
  for (int fd = 0; fd < 3; fd++) {
    int flags = table->origin.stdio_flags[fd];
    if (flags >= 0 && fcntl(fd, F_GETFL) != flags) fcntl(fd, F_SETFL, flags);
  }
}

void leave(int code) {
  pump_flush(flush_max_ms);
  terminal_restore();
  if (table != nullptr) restore_stdio_flags();
  _exit(code & 255);
}

}  // namespace pilot

extern "C" int cp_native_arm(int early) { return pilot::boot(early != 0).error; }
