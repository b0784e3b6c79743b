#include "terminal.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>

#include "early.h"

namespace pilot {

static struct termios settings;
static bool recorded = false;
static std::atomic<bool> lent{false};

/** tcgetpgrp answers for our controlling terminal only (ENOTTY for any other). */
bool terminal_present() { return tcgetpgrp(STDIN_FILENO) >= 0; }

void terminal_record() {
  if (!recorded) recorded = terminal_present() && tcgetattr(STDIN_FILENO, &settings) == 0;
}

void terminal_lend() { lent.store(true); }

// Harmless errors: ENOTTY and EIO, the terminal has hung up; EPERM, we are in another session than it by now.
void terminal_reclaim() {
  // Whoever changes this from the background is sent TTOU, unless he has it blocked (tcsetpgrp(3)).
  uint64_t before = 0;
  cp_mask(SIG_BLOCK, CP_BIT(SIGTTOU), &before);
  tcsetpgrp(STDIN_FILENO, getpgrp());
  cp_mask(SIG_SETMASK, before, nullptr);
}

void terminal_restore() {
  if (!lent.load()) return;
  terminal_reclaim();
  // In the foreground again, so this cannot stop us.
  if (recorded) tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

}  // namespace pilot
