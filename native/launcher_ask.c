#define _GNU_SOURCE
#include "launcher_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "launcher_json.h"

#define VARIABLE "CONTAINERPILOT_SOCKET"

/* Time for the whole exchange; the init answers in microseconds, or, for a reload, when it has read the configuration. */
enum { DEADLINE_S = 30, ANSWER_BYTES_MAX = 64 * 1024 };

struct answer {
  char text[ANSWER_BYTES_MAX + 1];
  size_t bytes;
};

/* Whoever can make a file in /tmp could listen there and be told secrets: only PID 1, root and our own user are asked. */
static int is_trusted(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
  return peer.pid == 1 || peer.uid == 0 || peer.uid == geteuid();
}

static int connect_to(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  struct timeval limit = {DEADLINE_S, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0 && is_trusted(fd)) return fd;
  close(fd);
  return -1;
}

/* The one we are told of, the default, and where the init goes when that cannot be had. */
static int connect_anywhere(void) {
  static const char* const places[] = {"/var/run/containerpilot.socket", "/run/containerpilot.socket",
                                       "/dev/shm/containerpilot.socket", "/tmp/containerpilot.socket"};
  const char* told = getenv(VARIABLE);
  int fd = told == NULL || *told == 0 ? -1 : connect_to(told);
  for (size_t i = 0; fd < 0 && i < sizeof places / sizeof *places; i++) fd = connect_to(places[i]);
  return fd;
}

static double now_s(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What is left until the deadline, as the socket's time limit; 0 means for ever there, so it is never 0. */
static void limit_until(int fd, int option, double deadline) {
  double left = deadline - now_s();
  struct timeval limit = {0, 1000};
  if (left > 0.001) limit = (struct timeval){(time_t)left, (suseconds_t)((left - (double)(time_t)left) * 1e6)};
  setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit);
}

/* False when the other side takes no more: it may have answered all the same. */
static int send_all(int fd, const struct text* request, double deadline) {
  for (size_t sent = 0; sent < request->bytes;) {
    limit_until(fd, SO_SNDTIMEO, deadline);
    ssize_t bytes = send(fd, request->data + sent, request->bytes - sent, MSG_NOSIGNAL);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return 0;
    sent += (size_t)bytes;
  }
  return 1;
}

/* Until the other side has said all. False: it did not in time, or broke off. */
static int receive_all(int fd, struct answer* answer, double deadline) {
  while (answer->bytes < ANSWER_BYTES_MAX) {
    limit_until(fd, SO_RCVTIMEO, deadline);
    ssize_t bytes = recv(fd, answer->text + answer->bytes, ANSWER_BYTES_MAX - answer->bytes, 0);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return 0;
    if (bytes == 0) break;
    answer->bytes += (size_t)bytes;
  }
  answer->text[answer->bytes] = 0;
  return 1;
}

static void write_request(const struct control_call* call, struct text* request) {
  static const char* const lines[] = {
      [CONTROL_RELOAD] = "POST /v3/reload",
      [CONTROL_ENABLE] = "POST /v3/maintenance/enable",
      [CONTROL_DISABLE] = "POST /v3/maintenance/disable",
      [CONTROL_PUTENV] = "POST /v3/environ",
      [CONTROL_PUTMETRIC] = "POST /v3/metric",
      [CONTROL_PING] = "GET /v3/ping",
  };
  struct text body = {0};
  if (call->pair_count > 0) json_object(&body, call->pairs, call->pair_count);
  char head[256];
  snprintf(head, sizeof head,
           "%s HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
           lines[call->verb], body.bytes);
  text_add(request, head, strlen(head));
  text_add(request, body.data, body.bytes);
  free(body.data);
}

static int fail(const struct control_call* call, const char* why) {
  fprintf(stderr, "containerpilot: %s: %s\n", call->flag, why);
  return 1;
}

/* `HTTP/1.1 422 …`: says what the body says. */
static int report(const struct control_call* call, const char* answer) {
  int code = 0;
  if (sscanf(answer, "HTTP/1.%*1[01] %3d", &code) != 1) return fail(call, "the answer makes no sense");
  if (code == 200) {
    if (call->verb != CONTROL_PING) return 0;
    return puts("ok") >= 0 && fflush(stdout) == 0 ? 0 : fail(call, strerror(errno));
  }
  const char* body = strstr(answer, "\r\n\r\n");
  body = body == NULL ? "" : body + 4;
  size_t bytes = strlen(body);
  while (bytes > 0 && body[bytes - 1] == '\n') bytes--;
  fprintf(stderr, "containerpilot: %s was refused: %d %.*s\n", call->flag, code, (int)bytes, body);
  return 1;
}

int control_ask(const struct control_call* call) {
  static struct answer answer;
  double deadline = now_s() + DEADLINE_S;
  int fd = connect_anywhere();
  if (fd < 0) return -1;
  struct text request = {0};
  write_request(call, &request);
  send_all(fd, &request, deadline);
  if (receive_all(fd, &answer, deadline) && answer.bytes > 0) return report(call, answer.text);
  if (now_s() >= deadline) return fail(call, "no answer within 30 seconds");
  /* A socket that closes with our bytes unread may still have answered. */
  if (answer.bytes > 0) return report(call, answer.text);
  return fail(call, "the connection was closed without an answer");
}
