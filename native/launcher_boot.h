/*
 * The boot file that `cpctl compile` writes (src/tools/bootfile.ts): what the launcher may start at once, and under which
 * conditions. Records `key=value`, each with its NUL; the first one is `containerpilot-boot=FORMAT`, the last one `end=`
 * with the FNV-1a sum of all bytes before it, in 16 hexadecimal digits.
 */
#ifndef CONTAINERPILOT_LAUNCHER_BOOT_H
#define CONTAINERPILOT_LAUNCHER_BOOT_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BOOT_FORMAT "containerpilot-boot=1"
/* The configuration is in it. */
#define BOOT_BYTES_MAX (1024u * 1024)

struct boot_file {
  char** records;
  size_t count;
};

/*
 * Reads and checks it. NULL, or what is wrong with it; "" where there is none. Only a file that nobody but root and this user
 * could have written is believed.
 */
const char* boot_read(const char* path, struct boot_file* file);

/* The value of the next record of this key from `*at` on, which is moved behind it; NULL: there is none. */
char* boot_next(const struct boot_file* file, const char* key, size_t* at);
/* The value of the only record of this key, or NULL. */
char* boot_value(const struct boot_file* file, const char* key);

/* 1: the file holds exactly this text; 0: it does not; -1: it cannot be read (errno), or is no regular file (errno 0). */
int boot_same_text(const char* path, const char* text);

#ifdef __cplusplus
}
#endif
#endif
