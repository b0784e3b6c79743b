// Where a child's 0, 1 and 2 lead.
#pragma once
#include <sys/types.h>

#include "logpump.h"
#include "spawn.h"

namespace pilot {

/** In the order of the names that JavaScript uses. */
enum class StreamKind { inherit, null, log, capture };

struct StreamRequest {
  /** For 0, 1 and 2; 0 is never logged or captured. */
  StreamKind kinds[3];
  const LogField* fields;
  size_t field_count;
};

/**
 * Fills in the streams of a request that is about to be spawned: descriptors of ours, which stay open until streams_spawned.
 * When the pump cannot take them (no descriptors left, too many runs) `log` becomes `inherit`, `capture` becomes `null`, and
 * a line of the log says so. 0, or -errno when there is no /dev/null.
 */
int streams_open(const StreamRequest& streams, SpawnRequest* request);

/** What spawn returned for this request: hands the streams over to the pump, or takes them back. */
void streams_spawned(const SpawnRequest& request, pid_t pid);

}  // namespace pilot
