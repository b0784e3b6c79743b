#define _GNU_SOURCE
#include "launcher_boot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of this FORMAT, and no others: what is not understood may be a condition. */
static const char* const keys[] = {"job",   "config", "need",   "unset", "words", "argument", "set",  "address", "select",
                                   "stdin", "output", "field",  "log",   "grace", "forward",  "control"};

/* A regular file, opened without waiting for a writer of what is none. -1: errno, 0 for no regular file. */
static int open_regular(const char* path, struct stat* about) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return -1;
  int error = fstat(fd, about) != 0 ? errno : 0;
  if (error == 0 && S_ISREG(about->st_mode)) return fd;
  close(fd);
  errno = error;
  return -1;
}

/* Reads `bytes` bytes; 0: fewer are there. */
static int read_all(int fd, char* into, size_t bytes) {
  while (bytes > 0) {
    ssize_t got = read(fd, into, bytes);
    if (got <= 0) return 0;
    into += got;
    bytes -= (size_t)got;
  }
  return 1;
}

static uint64_t sum_of(const char* bytes, size_t count) {
  uint64_t sum = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < count; i++) sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
  return sum;
}

static int is_known(const char* record) {
  size_t bytes = strcspn(record, "=");
  if (record[bytes] == 0) return 0;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strlen(keys[i]) == bytes && memcmp(keys[i], record, bytes) == 0) return 1;
  return 0;
}

/* NULL, or what is wrong. `bytes` bytes of text, NUL-terminated records. */
static const char* split(char* text, size_t bytes, struct boot_file* file) {
  if (bytes == 0 || text[bytes - 1] != 0) return "it is cut off, or damaged";
  size_t count = 0;
  for (size_t i = 0; i < bytes; i++) count += text[i] == 0;
  file->records = calloc(count, sizeof *file->records);
  if (file->records == NULL) return "out of memory";
  size_t at = 0;
  for (char* record = text; record < text + bytes; record += strlen(record) + 1) file->records[at++] = record;
  if (strcmp(file->records[0], BOOT_FORMAT) != 0) return "it was not written by this version's cpctl compile";
  char end[32];
  size_t covered = (size_t)(file->records[count - 1] - text);
  snprintf(end, sizeof end, "end=%016llx", (unsigned long long)sum_of(text, covered));
  if (strcmp(file->records[count - 1], end) != 0) return "it is cut off, or damaged";
  file->records++;
  file->count = count - 2;
  for (size_t i = 0; i < file->count; i++)
    if (!is_known(file->records[i])) return "it was not written by this version's cpctl compile";
  return NULL;
}

const char* boot_read(const char* path, struct boot_file* file) {
  struct stat about;
  int fd = open_regular(path, &about);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? "" : errno == 0 ? "it is no regular file" : strerror(errno);
  const char* wrong = NULL;
  char* text = NULL;
  if (about.st_uid != 0 && about.st_uid != geteuid())
    wrong = "it belongs neither to root nor to this user";
  else if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    wrong = "others than its owner may write to it";
  else if (about.st_size > (off_t)BOOT_BYTES_MAX)
    wrong = "it is larger than 1 MiB";
  else if ((text = malloc((size_t)about.st_size + 1)) == NULL)
    wrong = "out of memory";
  else if (!read_all(fd, text, (size_t)about.st_size))
    wrong = "it cannot be read";
  close(fd);
  return wrong != NULL ? wrong : split(text, (size_t)about.st_size, file);
}

char* boot_next(const struct boot_file* file, const char* key, size_t* at) {
  size_t bytes = strlen(key);
  while (*at < file->count) {
    char* record = file->records[(*at)++];
    if (strncmp(record, key, bytes) == 0 && record[bytes] == '=') return record + bytes + 1;
  }
  return NULL;
}

char* boot_value(const struct boot_file* file, const char* key) {
  size_t at = 0;
  return boot_next(file, key, &at);
}

int boot_same_text(const char* path, const char* text) {
  struct stat about;
  size_t bytes = strlen(text);
  int fd = open_regular(path, &about);
  if (fd < 0) return -1;
  int same = about.st_size == (off_t)bytes;
  char* found = same ? malloc(bytes + 1) : NULL;
  same = found != NULL && read_all(fd, found, bytes) && memcmp(found, text, bytes) == 0;
  free(found);
  close(fd);
  return same;
}
