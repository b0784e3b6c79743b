// Running the native half in tests: every test has a process of its own, so each brings the whole of it up afresh.
#pragma once
#include <signal.h>
#include <stdint.h>
#include <time.h>

#include <map>
#include <string>
#include <vector>

#include "../boot.h"
#include "../process.h"
#include "../queue.h"
#include "../spawn.h"
#include "../streams.h"
#include "../table.h"
#include "check.h"

namespace pilot {

/** Far longer than anything takes; only a test that fails waits for it. */
inline constexpr int patience_ms = 60000;

/** Path of native_child. */
extern std::string child_path;

/** All that was told about one run. */
struct Told {
  int exited = 0, group_empty = 0, closed = 0;
  int pid = 0, code = -1, signo = 0;
  bool core = false, held = false;
  std::string output;
  /** Order of the events, as letters e, c, g. */
  std::string order;
};

/** What JavaScript would know by now. */
struct World {
  std::map<uint32_t, Told> runs;
  std::vector<Event> signals;
  /** In the order in which they were told. */
  std::vector<uint32_t> ended;
  int orphan_warnings = 0;

  /** Takes what is queued, and says so, as the addon does. */
  void drain();
  /** Drains until the condition holds; false when it never does. */
  template <typename Condition>
  bool wait(Condition condition);
  bool wait_exited(uint32_t run);
  bool wait_done(uint32_t run);
};
extern World world;

int64_t now_ms();
void nap_ms(int ms);

template <typename Condition>
bool World::wait(Condition condition) {
  for (int64_t end = now_ms() + patience_ms;; nap_ms(2)) {
    drain();
    if (condition()) return true;
    if (now_ms() > end) return false;
  }
}

/** native_child with `words`; stdout captured. Its run, or 0 when it could not be started. */
uint32_t start(const std::vector<std::string>& words);
/** Any program; the result of spawn. */
int start_program(uint32_t run, const std::string& file, const std::vector<std::string>& argv, const char* cwd = nullptr,
                  StreamKind out = StreamKind::null, bool foreground = false);
/** As start, with attributes; the result of spawn. */
int start_with(uint32_t run, const Attributes& attributes, const std::vector<std::string>& words);
/** `key=value` of what `report` says. */
std::string value_of(const std::string& report, const std::string& key);
uint32_t next_run();

/** A folder for the files by which children say what they did. */
std::string make_temp_dir();
bool wait_file(const std::string& path);

/** Reads a small file; empty when there is none. */
std::string read_file(const std::string& path);

enum class Place { here, pid1, pid1_without_proc };
struct Test {
  const char* name;
  Place place;
  void (*body)();
  /** Needs signal handlers to run at once and to change the mask. TSan calls them later, with a copy of the context. */
  bool handlers = false;
};

extern const std::vector<Test> ring_tests, spawn_tests, attributes_tests, signal_tests, reap_tests, sweep_tests, gate_tests, dead_tests;

}  // namespace pilot
