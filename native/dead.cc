#include "dead.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "boot.h"
#include "clock.h"
#include "early.h"
#include "futex.h"
#include "gate.h"
#include "logpump.h"
#include "process.h"
#include "queue.h"
#include "rebirth.h"
#include "signals.h"
#include "table.h"
#include "thread.h"

namespace pilot {

/** sysexits(3): an internal error of ours, before there was an application whose code we could have. */
static constexpr int exit_internal = 70;
static constexpr size_t fault_stack_bytes = size_t{64} * 1024;
static constexpr int sweep_poll_ms = 20;
static constexpr int gate_wait_ms = 100;

// The thread that died first, and how often it has failed since.
static std::atomic<int32_t> dead_thread{0};
static std::atomic<int> failures{0};
// Woken when the application ends after JavaScript.
static std::atomic<uint32_t> main_ended{0};

int exit_code_of(int32_t status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// Apart from the child table's entries, because one is used again once JavaScript has been told.
void dead_policy(uint32_t main, uint64_t forward, int grace) {
  cp_store(table->main.grace_ms, grace);
  cp_store(table->main.forward, forward);
  if (cp_load(table->main.run) == main) return;
  cp_store(table->main.status, CP_NOT_ENDED);
  cp_store(table->main.run, main);
}

void dead_last_words(uint32_t cause, const char* words, uint32_t bytes) {
  cp_rebirth& record = table->rebirth;
  uint32_t kept = bytes < sizeof record.told - 1 ? bytes : (uint32_t)sizeof record.told - 1;
  memcpy(record.told, words, kept);
  record.told[kept] = 0;
  record.told_cause = cause;
}

void dead_after_exit(uint32_t run, int32_t status) {
  if (run != cp_load(table->main.run)) return;
  cp_store(table->main.status, status);
  main_ended.store(1);
  futex_wake(&main_ended, 1);
}

static bool main_started() {
  uint32_t run = cp_load(table->main.run);
  return run != 0 && (cp_load(table->main.status) != CP_NOT_ENDED || table_find_run(run) != nullptr);
}

/** TERM, the grace, KILL, for everything that outlived the application. The end of PID 1 would kill them without. */
static void stop_the_others() {
  int left = process_sweep(SIGTERM);
  for (int waited = 0; left > 0 && waited < cp_load(table->main.grace_ms); waited += sweep_poll_ms) {
    cp_pause_ms(sweep_poll_ms);
    left = process_sweep(0);
  }
  if (left > 0) process_sweep(SIGKILL);
}

/** The dead thread's last duty: wait for the application, then leave with its code. */
[[noreturn]] static void park() {
  while (cp_load(table->main.status) == CP_NOT_ENDED) futex_wait(&main_ended, 0, -1);
  stop_the_others();
  leave(exit_code_of(cp_load(table->main.status)));
}

static void say(const char* what) { pump_log(LogLevel::error, {what, strlen(what)}, nullptr, 0); }

/** Signals that JavaScript was told of and will never read go to the application; nothing is queued from here on. */
static void take_over_signals() {
  // A signal that is being handled now belongs to one side or the other, not to none.
  gates_close(gate_wait_ms);
  signals_forward_all();
  queue_abandon();
  queue_each_untold([](const Event& event) {
    if (!event.flag) process_signal(cp_load(table->main.run), event.signo, SignalTarget::process);
  });
  gates_open();
}

/** The first thread that dies goes on, any other one sleeps for ever. False: it has failed before, since it died. */
static bool claim_death() {
  int32_t self = (int32_t)syscall(SYS_gettid), nobody = 0;
  if (dead_thread.compare_exchange_strong(nobody, self)) return true;
  while (nobody != self) pause();  // NOLINT(bugprone-infinite-loop): for ever, unless it is us
  return false;
}

/** What was not to be replaced waits for the application. */
[[noreturn]] static void go_on_without(const char* what) {
  say(what);
  take_over_signals();
  park();
}

static void on_exit() {
  // Orderly, if nothing has been started.
  if (!rebirth_has_work() || !claim_death()) return;
  uint32_t told = cp_load(table->rebirth.told_cause);
  rebirth(table->rebirth.told[0] != 0 && told < CP_CAUSES ? (cp_cause)told : CP_CAUSE_EXIT, false);
  // Orderly, if there is no application: v3 without a main job.
  if (!main_started()) return;
  go_on_without("the JavaScript half has ended before the application; the native half forwards signals and waits");
}

using WasmTrap = bool (*)(int, siginfo_t*, void*);
static WasmTrap wasm_trap = nullptr;

/** How far below the stack pointer a push or a call of a large function may have gone. */
static constexpr uintptr_t stack_reach = uintptr_t{128} * 1024;

static bool is_stack_overflow(const siginfo_t* info, void* context) {
  const ucontext_t* ucontext = static_cast<const ucontext_t*>(context);
#if defined(__x86_64__)
  uintptr_t stack = (uintptr_t)ucontext->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
  uintptr_t stack = ucontext->uc_mcontext.sp;
#else
  uintptr_t stack = 0;
#endif
  uintptr_t address = (uintptr_t)info->si_addr;
  return stack != 0 && info->si_code > 0 && address < stack + 4096 && address + stack_reach > stack;
}

static cp_cause cause_of(int signo, const siginfo_t* info, void* context) {
  switch (signo) {
    case SIGABRT:
    case SIGTRAP:
    case SIGILL:
      // V8 gives up by one of these, after it has told why.
      if (cp_load(table->rebirth.told_cause) == CP_CAUSE_HEAP && table->rebirth.told[0] != 0) return CP_CAUSE_HEAP;
      return signo == SIGABRT ? CP_CAUSE_ABORT : signo == SIGTRAP ? CP_CAUSE_TRAP : CP_CAUSE_ILL;
    case SIGBUS:
      return CP_CAUSE_BUS;
    case SIGFPE:
      return CP_CAUSE_FPE;
    case SIGSYS:
      return CP_CAUSE_SYS;
    default:
      return is_stack_overflow(info, context) ? CP_CAUSE_STACK : CP_CAUSE_SEGV;
  }
}

static void on_fault(int signo, siginfo_t* info, void* context) {
  // V8 turns faults of WebAssembly code into exceptions.
  if (signo == SIGSEGV && wasm_trap != nullptr && wasm_trap(signo, info, context)) return;
  // A child between clone and exec.
  if (getpid() != table->pid) _exit(exit_internal);
  // The end has been decided, and its code. What is only sent cannot hold it up, what is raised would be raised again.
  if (leaving() && info->si_code <= 0) return;
  if (leaving()) leave_at_once();
  // Sent by somebody, not raised by what this thread does. Reading one signal makes the kernel hand the next one to the
  // reader, whose piece of work would be lost with it: the main thread takes it.
  if (info->si_code <= 0 && thread_is_ours()) {
    syscall(SYS_tgkill, getpid(), getpid(), signo);
    return;
  }
  bool first = claim_death();
  if (rebirth_has_work() && failures.fetch_add(1) < 2) rebirth(cause_of(signo, info, context), !first);
  // Nobody could take over from a native thread of ours: die as if there were no handler.
  if (thread_is_ours()) {
    signal(signo, SIG_DFL);
    return;
  }
  if (!main_started()) {
    say("the JavaScript half has crashed before the application was started");
    leave(exit_internal);
  }
  go_on_without("the JavaScript half has crashed; the native half forwards signals and waits for the application");
}

void dead_park(const char* words) {
  if (!main_started()) leave(exit_internal);
  go_on_without(words);
}

void dead_hung() {
  if (rebirth_has_work() && claim_death()) rebirth(CP_CAUSE_HANG, false);
}

using OomHandler = void (*)(const char* where, const void* details);

/** Node's own would abort without a word that we could tell from any other abort; V8 has written its part by now. */
static void on_heap_exhausted(const char* where, const void*) {
  dead_last_words(CP_CAUSE_HEAP, where, (uint32_t)strlen(where));
  abort();
}

/** V8's C++ names as every supported Node exports them; where one is missing the cause is called abort. */
static void watch_heap() {
  auto current = reinterpret_cast<void* (*)()>(dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv"));
  auto set = reinterpret_cast<void (*)(void*, OomHandler)>(
      dlsym(RTLD_DEFAULT, "_ZN2v87Isolate18SetOOMErrorHandlerEPFvPKcRKNS_10OOMDetailsEE"));
  if (current == nullptr || set == nullptr) return;
  void* isolate = current();
  if (isolate != nullptr) set(isolate, on_heap_exhausted);
}

static void install_fault_stack() {
  static bool installed = false;
  if (installed) return;
  installed = true;
  void* memory = mmap(nullptr, fault_stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = fault_stack_bytes;
  sigaltstack(&stack, nullptr);
}

void dead_install(bool with_runtime) {
  static bool complete = false;
  if (complete) return;
  complete = with_runtime;
  if (with_runtime) watch_heap();
  wasm_trap = reinterpret_cast<WasmTrap>(dlsym(RTLD_DEFAULT, "_ZN2v829TryHandleWebAssemblyTrapPosixEiP9siginfo_tPv"));
  install_fault_stack();
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  // Faults stay open: one in the handler is the handler's own to answer.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  uint64_t blocked = CP_BLOCKED_SET;
  memcpy(&action.sa_mask, &blocked, sizeof blocked);
  for (int signo : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) cp_fault_action(signo, &action);
  static bool hooked = false;
  if (!hooked) atexit(on_exit);
  hooked = true;
}

}  // namespace pilot
