// Who waits for the first connection: apart, since the launcher listens but has no threads.
#include <atomic>

#include "control.h"
#include "queue.h"
#include "signals.h"

namespace pilot {

static std::atomic<int> door{-1};

int control_door() { return door.load(); }

bool control_watch(int fd) {
  if (!signals_wait_for_descriptors()) return false;
  door.store(fd);
  signals_look_again();
  return true;
}

void control_knocked(int fd) {
  if (!door.compare_exchange_strong(fd, -1)) return;
  Event event = {};
  event.type = EventType::knock;
  queue_push(event);
}

}  // namespace pilot
