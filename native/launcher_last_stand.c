#define _GNU_SOURCE
#include "launcher_last_stand.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

/* sysexits(3): an internal error of ours, and no application whose code we could have. */
enum { EXIT_INTERNAL = 70 };
#define LOOK_MS 20

static int is_alive(const struct cp_child* child) { return child->state == CP_SPAWNING || child->state == CP_RUNNING; }

/* Never waits for the log's reader: a page fits into a pipe that polls as writable (pipe(7)). */
static void pass_output(struct cp_table* table) {
  char page[4096];
  for (int i = 0; i < 2; i++) {
    struct pollfd out = {table->instant.log_fd, POLLOUT, 0};
    ssize_t bytes = 1;
    while (table->instant.streams[i] >= 0 && bytes > 0 && poll(&out, 1, 0) > 0 && (out.revents & POLLOUT) != 0) {
      bytes = read(table->instant.streams[i], page, sizeof page);
      if (bytes > 0) bytes = write(out.fd, page, (size_t)bytes);
    }
  }
}

/* Collects what has ended and keeps the application's status. */
static void collect(struct cp_table* table) {
  int status;
  pass_output(table);
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    for (uint32_t i = 0; i < table->children_high; i++) {
      struct cp_child* child = &table->children[i];
      if (!is_alive(child) || child->pid != pid) continue;
      child->status = status;
      child->state = CP_LINGERING;
      if (child->run == table->main.run) table->main.status = status;
    }
  }
}

/* Its entry, also when it has ended. */
static struct cp_child* application(struct cp_table* table) {
  for (uint32_t i = 0; table->main.run != 0 && i < table->children_high; i++) {
    struct cp_child* child = &table->children[i];
    if (child->state != CP_FREE && child->run == table->main.run) return child;
  }
  return NULL;
}

/* To everything that is left, our own process not included; the number of groups that were reached. */
static int tell_all(struct cp_table* table, int signo) {
  if (getpid() == 1) return kill(-1, signo) == 0;
  int reached = 0;
  for (uint32_t i = 0; i < table->children_high; i++) {
    struct cp_child* child = &table->children[i];
    if ((is_alive(child) || child->state == CP_LINGERING) && child->pid > 1) reached += kill(-child->pid, signo) == 0;
  }
  return reached;
}

static void stop_application(struct cp_table* table) {
  struct cp_child* main = application(table);
  if (main == NULL || !is_alive(main) || main->pid <= 1) return;
  kill(main->pid, SIGTERM);
  for (int waited = 0; is_alive(main) && waited < table->main.grace_ms; waited += LOOK_MS) {
    cp_pause_ms(LOOK_MS);
    collect(table);
  }
  if (!is_alive(main)) return;
  kill(-main->pid, SIGKILL);
  while (is_alive(main)) {
    cp_pause_ms(LOOK_MS);
    collect(table);
  }
}

static void stop_others(struct cp_table* table) {
  int left = tell_all(table, SIGTERM);
  for (int waited = 0; left > 0 && waited < table->main.grace_ms; waited += LOOK_MS) {
    cp_pause_ms(LOOK_MS);
    collect(table);
    left = tell_all(table, 0);
  }
  if (left > 0) tell_all(table, SIGKILL);
}

void launcher_stop_all(struct cp_table* table) {
  /* What ended while the runtime was replaced: its status is stored before it is collected. */
  struct cp_child* main = application(table);
  if (main != NULL && main->state >= CP_ENDED && main->state <= CP_GONE) table->main.status = main->status;
  collect(table);
  stop_application(table);
  stop_others(table);
  pass_output(table);
}

void launcher_last_stand(struct cp_table* table) {
  launcher_stop_all(table);
  int status = table->main.status;
  if (status == CP_NOT_ENDED) _exit(EXIT_INTERNAL);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
