#include "instant.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <initializer_list>

#include "logadopt.h"
#include "logpump.h"

namespace pilot {

void instant_keep_over_exec(bool keep) {
  const cp_instant& instant = table->instant;
  for (int fd : {instant.streams[0], instant.streams[1], instant.control_fd})
    if (fd >= 0) fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static Bytes next_text(const char** at) {
  Bytes text = {*at, strlen(*at)};
  *at += text.size + 1;
  return text;
}

static void take_streams(cp_instant* instant) {
  LogField fields[log_fields_max];
  size_t count = 0;
  const char* at = instant->fields;
  for (; count < instant->field_count && count < log_fields_max; count++) {
    Bytes key = next_text(&at);
    fields[count] = {key, next_text(&at), false};
  }
  const cp_child* child = table_find_run(instant->run);
  if (child == nullptr) return;
  pump_settings({(LogLevel)instant->log_level, (LogFormat)instant->log_format, (LogDialect)instant->log_dialect, instant->log_fd});
  pump_take(instant->run, cp_load(child->pid), instant->streams, fields, count);
}

void instant_pump() {
  cp_instant& instant = table->instant;
  if (instant.run == 0) return;
  instant_keep_over_exec(false);
  if (instant.streams[0] < 0 && instant.streams[1] < 0) return;
  // A runtime that died in between has left the pump's memory to us.
  if (!log_run_known(instant.run)) take_streams(&instant);
  for (int32_t& fd : instant.streams) cp_store(fd, -1);
}

bool instant_socket(const char* path, ControlPlace* place) {
  cp_instant& instant = table->instant;
  int fd = instant.control_fd;
  if (fd < 0) return false;
  cp_store(instant.control_fd, -1);
  if (strcmp(instant.control_wanted, path) != 0) {
    close(fd);
    unlink(instant.control_path);
    return false;
  }
  place->fd = fd;
  place->error = instant.control_error;
  memcpy(place->path, instant.control_path, sizeof place->path);
  return true;
}

}  // namespace pilot
