/* Whether a path still leads to the file that a descriptor was opened for. */
#ifndef CONTAINERPILOT_SAMEFILE_H
#define CONTAINERPILOT_SAMEFILE_H
#include <sys/stat.h>

static inline int cp_same_file(const char* path, int fd) {
  struct stat named, kept;
  return stat(path, &named) == 0 && fstat(fd, &kept) == 0 && named.st_dev == kept.st_dev && named.st_ino == kept.st_ino;
}

#endif
