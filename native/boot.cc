#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "dead.h"
#include "early.h"
#include "instant.h"
#include "logpump.h"
#include "process.h"
#include "reaper.h"
#include "signals.h"
#include "terminal.h"

namespace pilot {

static constexpr int flush_max_ms = 500;

static BootState state;
static bool booted = false;

// Node alone needs some 20. Where hardly more are allowed, all are left to it and to the children's streams.
static constexpr uint64_t descriptors_min = 64;

/** Node raises the soft limit to the hard one, so that is what there will be. */
static bool descriptors_are_scarce() {
  struct rlimit nofile;
  return getrlimit(RLIMIT_NOFILE, &nofile) == 0 && nofile.rlim_max < descriptors_min;
}

static int bring_up(bool early) {
  bool scarce = descriptors_are_scarce();
  int error = cp_table_fd() >= 0 ? table_take(cp_table_fd()) : table_make(!scarce);
  if (error != 0 && table == nullptr) error = table_make(!scarce);
  if (error != 0) return error;
  // Refused as a preload: the table may tell of an application, but between two runtimes signals would be lost.
  if (!early) table->replaceable = 0;
  if (table->origin.early == 0) cp_origin(&table->origin);
  terminal_record();
  state.subreaper = subreaper_claim();
  // The preload guards the mask of the threads to come, and there is only this one yet.
  if (early) error = cp_mask(SIG_BLOCK, CP_BLOCKED_SET, nullptr);
  if (error != 0) return error;
  if (table_adopts()) signals_policy(table->main.run, table->main.forward);
  int signals_error = signals_start(early, !scarce);
  // Without the pump children write to our own streams, and our own lines go out bare.
  state.pump = !scarce && pump_start() == 0;
  instant_pump();
  // Node's own boot can fail as well.
  if (table_adopts()) dead_install(false);
  // After the pump: what ended while the program was replaced has to reach it.
  int reaper_error = reaper_start();
  return signals_error != 0 ? signals_error : reaper_error;
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

// -1: not leaving.
static std::atomic<int> leaving_with{-1};

bool leaving() { return leaving_with.load() >= 0; }

void leave_at_once() {
  terminal_restore();
  if (table != nullptr) restore_stdio_flags();
  _exit(leaving_with.load());
}

void leave(int code) {
  leaving_with.store(code & 255);
  pump_flush(flush_max_ms);
  leave_at_once();
}

}  // namespace pilot

extern "C" int cp_native_arm(int early) { return pilot::boot(early != 0).error; }
