# Built by scripts/build-native; the headers of Node-API come from npm's node-api-headers, which the package brings along in
# dist/include: nothing is downloaded.
{
  "variables": {
    "napi_headers%": "<!(node -p \"try { require('node-api-headers').include_dir } catch { 'dist/include' }\")",
    "core_sources": [
      "native/altstack.c",
      "native/attributes.cc",
      "native/boot.cc",
      "native/control.cc",
      "native/dead.cc",
      "native/logadopt.cc",
      "native/rebirth.cc",
      "native/early.c",
      "native/gate.cc",
      "native/inject.cc",
      "native/logformat.cc",
      "native/logjson.cc",
      "native/loglines.cc",
      "native/logmessages.cc",
      "native/logoutput.cc",
      "native/logown.cc",
      "native/logpump.cc",
      "native/logsink.cc",
      "native/logthread.cc",
      "native/mapping.cc",
      "native/process.cc",
      "native/procfs.cc",
      "native/queue.cc",
      "native/reaper.cc",
      "native/signals.cc",
      "native/spawn.cc",
      "native/streams.cc",
      "native/table.cc",
      "native/terminal.cc",
      "native/thread.cc",
      "native/watchdog.cc",
    ],
  },
  "target_defaults": {
    # What Node's own build or a distribution's common.gypi sets is replaced: the result must not depend on them.
    "cflags!": ["-fno-omit-frame-pointer", "-m64"],
    "cflags": ["-Wall", "-Wextra", "-Werror", "-O2", "-fvisibility=hidden", "-fstack-protector-strong", "-pthread"],
    "cflags_c": ["-std=gnu11"],
    "cflags_cc!": ["-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
  },
  "targets": [
    {
      "target_name": "pilot",
      "sources": ["native/addon.cc", "native/addon_attributes.cc", "native/addon_events.cc", "native/addon_rebirth.cc", "native/addon_spawn.cc", "native/napi_args.cc", "<@(core_sources)"],
      "include_dirs": ["<(napi_headers)"],
      "defines": ["NAPI_VERSION=8"],
      "cflags": ["-fPIC"],
      # g++ names the C++ library on every link; nothing of it is used, so the addon must not need it.
      "ldflags": ["-Wl,--as-needed", "-Wl,-z,relro", "-pthread"],
    },
    {
      # Static: the entrypoint of images with any libc, and no loader's work before signals are blocked.
      "target_name": "containerpilot",
      "type": "executable",
      "sources": [
        "native/launcher.c",
        "native/launcher_ask.c",
        "native/launcher_flags.c",
        "native/launcher_json.c",
        "native/launcher_last_stand.c",
        "native/launcher_runtime.c",
        "native/launcher_table.c",
      ],
      "ldflags": ["-static"],
    },
  ],
}
