#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "unique_fd.h"

namespace pilot {

/** Opened once; children get copies. -errno where there is no /dev/null. */
static int dev_null() {
  static int fd = -1;
  if (fd >= 0) return fd;
  fd = above_stdio(open("/dev/null", O_RDWR | O_CLOEXEC));
  return fd >= 0 ? fd : -errno;
}

static LogStreamKind pumped_kind(StreamKind kind) {
  if (kind == StreamKind::log) return LogStreamKind::log;
  return kind == StreamKind::capture ? LogStreamKind::capture : LogStreamKind::none;
}

static void say_lost(const SpawnRequest& request, int error) {
  char text[160];
  // NOLINTNEXTLINE(concurrency-mt-unsafe): JavaScript's thread alone asks for words
  int bytes = snprintf(text, sizeof text, "output of %s is neither logged nor captured: %s", request.job, strerror(error));
  size_t size = bytes < (int)sizeof text ? (size_t)bytes : sizeof text - 1;
  pump_log(LogLevel::warn, {text, size}, nullptr, 0);
}

int streams_open(const StreamRequest& streams, SpawnRequest* request) {
  LogStreamKind out = pumped_kind(streams.kinds[1]), err = pumped_kind(streams.kinds[2]);
  request->closes = out != LogStreamKind::none || err != LogStreamKind::none;
  int pipes[2] = {-1, -1};
  int error = 0;
  if (request->closes) error = pump_open(request->run, out, err, streams.fields, streams.field_count, pipes);
  request->pumped = request->closes && error == 0;
  if (error != 0) say_lost(*request, -error);
  for (int fd = 0; fd < 3; fd++) {
    StreamKind kind = streams.kinds[fd];
    bool lost = error != 0 && kind == StreamKind::log;
    request->streams[fd] = fd;
    if (kind == StreamKind::inherit || lost) {
      if (fd != 0) pump_share();
      continue;
    }
    bool pumped = request->pumped && kind != StreamKind::null;
    request->streams[fd] = pumped ? pipes[fd - 1] : dev_null();
    if (request->streams[fd] >= 0) continue;
    int missing = request->streams[fd];
    if (request->pumped) pump_abandon(request->run);
    return missing;
  }
  return 0;
}

void streams_spawned(const SpawnRequest& request, pid_t pid) {
  if (!request.pumped) return;
  if (pid > 0)
    pump_run(request.run, pid);
  else
    pump_abandon(request.run);
}

}  // namespace pilot
