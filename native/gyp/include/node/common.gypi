# In the place of the file that node-gyp would fetch together with Node's headers: all that our targets need of it.
{
  "variables": {
    "standalone_static_library%": 1,
  },
  "target_defaults": {
    "default_configuration": "Release",
    "configurations": {
      "Release": {},
      "Debug": {"cflags": ["-g", "-O0"]},
    },
  },
}
