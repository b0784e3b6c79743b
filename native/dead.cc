#include "dead.h"

#include <sys/wait.h>

#include <atomic>

#include "boot.h"

namespace pilot {

static std::atomic<uint32_t> main_run{0};
static std::atomic<bool> js_dead{false};

int exit_code_of(int32_t status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

void dead_policy(uint32_t main, int) { main_run.store(main); }

bool dead_js() { return js_dead.load(); }

void dead_after_exit(uint32_t run, int32_t status) {
  if (js_dead.load() && run == main_run.load()) leave(exit_code_of(status));
}

}  // namespace pilot
