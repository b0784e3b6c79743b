// The controlling terminal: handed to one process group at a time, and left at the end as it was found.
#pragma once

namespace pilot {

/** stdin is our controlling terminal. */
bool terminal_present();
/** Remembers the settings as they are now, unless an earlier program of this process has. The table is there. */
void terminal_record();
/** Makes our own group the foreground group again, so that Ctrl-C reaches somebody. Any thread. */
void terminal_reclaim();
/** At exit: reclaims, and puts the recorded settings back, when a child had the terminal. */
void terminal_restore();
/** A child is about to be given the terminal. */
void terminal_lend();

}  // namespace pilot
