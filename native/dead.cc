#include "dead.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "boot.h"
#include "futex.h"
#include "gate.h"
#include "logpump.h"
#include "process.h"
#include "queue.h"
#include "signals.h"
#include "table.h"
#include "thread.h"

namespace pilot {

/** sysexits(3): an internal error of ours, before there was an application whose code we could have. */
static constexpr int exit_internal = 70;
static constexpr size_t fault_stack_bytes = 64 * 1024;
static constexpr int sweep_poll_ms = 20;
static constexpr int gate_wait_ms = 100;

// Kept apart from the child table: an entry is used again once JavaScript has been told.
static constexpr int32_t not_ended = -1;
static std::atomic<uint32_t> main_run{0};
static std::atomic<int32_t> main_status{not_ended};
static std::atomic<int> grace_ms{0};
static std::atomic<bool> js_dead{false};
// Woken when the application ends after JavaScript.
static std::atomic<uint32_t> main_ended{0};

int exit_code_of(int32_t status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

void dead_policy(uint32_t main, int grace) {
  grace_ms.store(grace);
  if (main_run.load() == main) return;
  main_status.store(not_ended);
  main_run.store(main);
}

void dead_after_exit(uint32_t run, int32_t status) {
  if (run != main_run.load()) return;
  main_status.store(status);
  main_ended.store(1);
  futex_wake(&main_ended, 1);
}

static bool main_started() {
  uint32_t run = main_run.load();
  return run != 0 && (main_status.load() != not_ended || table_find_run(run) != nullptr);
}

static void pause_ms(int ms) {
  struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/** TERM, the grace, KILL, for everything that outlived the application. The end of PID 1 would kill them without. */
static void stop_the_others() {
  int left = process_sweep(SIGTERM);
  for (int waited = 0; left > 0 && waited < grace_ms.load(); waited += sweep_poll_ms) {
    pause_ms(sweep_poll_ms);
    left = process_sweep(0);
  }
  if (left > 0) process_sweep(SIGKILL);
}

/** The dead thread's last duty: wait for the application, then leave with its code. */
[[noreturn]] static void park() {
  while (main_status.load() == not_ended) futex_wait(&main_ended, 0, -1);
  stop_the_others();
  leave(exit_code_of(main_status.load()));
}

static void say(const char* what) { pump_log(LogLevel::error, {what, strlen(what)}, nullptr, 0); }

/** Signals that JavaScript was told of and will never read go to the application; nothing is queued from here on. */
static void take_over_signals() {
  // A signal that is being handled now belongs to one side or the other, not to none.
  gates_close(gate_wait_ms);
  signals_forward_all();
  queue_abandon();
  Event event;
  while (queue_pop(&event))
    if (event.type == EventType::signal && !event.flag) process_signal(main_run.load(), event.signo, SignalTarget::process);
  gates_open();
}

/** The first thread that dies takes over; any other one sleeps for ever. */
static void claim_death() {
  if (js_dead.exchange(true))
    for (;;) pause();
  take_over_signals();
}

static void on_exit() {
  // Orderly, if there is no application: nothing has been started, or v3 without a main job.
  if (!main_started()) return;
  claim_death();
  say("the JavaScript half has ended before the application; the native half forwards signals and waits");
  park();
}

using WasmTrap = bool (*)(int, siginfo_t*, void*);
static WasmTrap wasm_trap = nullptr;

static void on_fault(int signo, siginfo_t* info, void* context) {
  // V8 turns faults of WebAssembly code into exceptions.
  if (signo == SIGSEGV && wasm_trap != nullptr && wasm_trap(signo, info, context)) return;
  // A child between clone and exec.
  if (getpid() != table->pid) _exit(exit_internal);
  // Nobody could take over from a native thread of ours: die as if there were no handler.
  if (thread_is_ours()) {
    signal(signo, SIG_DFL);
    return;
  }
  claim_death();
  if (!main_started()) {
    say("the JavaScript half has crashed before the application was started");
    leave(exit_internal);
  }
  say("the JavaScript half has crashed; the native half forwards signals and waits for the application");
  park();
}

static void install_fault_stack() {
  void* memory = mmap(nullptr, fault_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = fault_stack_bytes;
  sigaltstack(&stack, nullptr);
}

void dead_install() {
  wasm_trap = reinterpret_cast<WasmTrap>(dlsym(RTLD_DEFAULT, "_ZN2v829TryHandleWebAssemblyTrapPosixEiP9siginfo_tPv"));
  install_fault_stack();
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  for (int signo : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) sigaction(signo, &action, nullptr);
  atexit(on_exit);
}

}  // namespace pilot
