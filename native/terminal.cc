#include "terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "early.h"

namespace pilot {

/** tcgetpgrp answers for our controlling terminal only (ENOTTY for any other). */
bool terminal_present() { return tcgetpgrp(STDIN_FILENO) >= 0; }

// In the kernel's own layout: the launcher, which records it first, may be built with another C library.
void terminal_record() {
  cp_terminal& terminal = table->terminal;
  if (terminal.recorded != 0 || !terminal_present()) return;
  terminal.recorded = ioctl(STDIN_FILENO, TCGETS, terminal.settings) == 0;
}

void terminal_lend() { cp_store(table->terminal.lent, 1u); }

// Harmless errors: ENOTTY and EIO, the terminal has hung up; EPERM, we are in another session than it by now.
void terminal_reclaim() {
  // Whoever changes this from the background is sent TTOU, unless he has it blocked (tcsetpgrp(3)).
  uint64_t before = 0;
  cp_mask(SIG_BLOCK, CP_BIT(SIGTTOU), &before);
  tcsetpgrp(STDIN_FILENO, getpgrp());
  cp_mask(SIG_SETMASK, before, nullptr);
}

void terminal_restore() {
  if (table == nullptr || cp_load(table->terminal.lent) == 0) return;
  terminal_reclaim();
  // In the foreground again, so this cannot stop us.
  if (table->terminal.recorded != 0) ioctl(STDIN_FILENO, TCSETS, table->terminal.settings);
}

}  // namespace pilot
