#define _GNU_SOURCE
#include "launcher_elf.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum libc { UNKNOWN, GLIBC, MUSL };

/* Node has 10 to 13, the addon 8. */
enum { SEGMENTS_MAX = 64, DYNAMIC_MAX = 128, NAME_MAX_BYTES = 64 };

struct file {
  int fd;
  Elf64_Ehdr head;
  Elf64_Phdr segments[SEGMENTS_MAX];
};

static int read_at(int fd, void* to, size_t bytes, uint64_t offset) {
  return pread(fd, to, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* False when it is no ELF file of 64 bits, or ends before its segments' table does. */
static int open_elf(const char* path, struct file* file) {
  file->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (file->fd < 0) return 0;
  Elf64_Ehdr* head = &file->head;
  return read_at(file->fd, head, sizeof *head, 0) && memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
         head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_phentsize == sizeof(Elf64_Phdr) && head->e_phnum > 0 &&
         head->e_phnum <= SEGMENTS_MAX &&
         read_at(file->fd, file->segments, head->e_phnum * sizeof(Elf64_Phdr), head->e_phoff);
}

static void close_elf(const struct file* file) {
  if (file->fd >= 0) close(file->fd);
}

static const Elf64_Phdr* segment(const struct file* file, uint32_t type) {
  for (int i = 0; i < file->head.e_phnum; i++)
    if (file->segments[i].p_type == type) return &file->segments[i];
  return NULL;
}

/* The loader maps what the segments name; beyond a file's end, touching that is SIGBUS (mmap(2)). */
static int is_whole(const struct file* file) {
  struct stat found;
  if (fstat(file->fd, &found) != 0) return 0;
  uint64_t size = (uint64_t)found.st_size;
  for (int i = 0; i < file->head.e_phnum; i++) {
    const Elf64_Phdr* one = &file->segments[i];
    if (one->p_type == PT_LOAD && (one->p_filesz > size || one->p_offset > size - one->p_filesz)) return 0;
  }
  return 1;
}

/* A text in the file, at most NAME_MAX_BYTES of it; empty when it cannot be read. */
static void text_at(const struct file* file, uint64_t offset, char* text) {
  ssize_t bytes = pread(file->fd, text, NAME_MAX_BYTES - 1, (off_t)offset);
  text[bytes > 0 ? bytes : 0] = 0;
}

static enum libc libc_of_program(const struct file* file) {
  const Elf64_Phdr* interpreter = segment(file, PT_INTERP);
  if (interpreter == NULL) return UNKNOWN;
  char name[NAME_MAX_BYTES];
  text_at(file, interpreter->p_offset, name);
  return strstr(name, "/ld-musl-") != NULL ? MUSL : strstr(name, "/ld-linux") != NULL ? GLIBC : UNKNOWN;
}

/* Where an address of the loaded file lies in the file; 0: nowhere. */
static uint64_t offset_of(const struct file* file, uint64_t address) {
  for (int i = 0; i < file->head.e_phnum; i++) {
    const Elf64_Phdr* one = &file->segments[i];
    if (one->p_type == PT_LOAD && address >= one->p_vaddr && address - one->p_vaddr < one->p_filesz)
      return one->p_offset + (address - one->p_vaddr);
  }
  return 0;
}

/* By the name that it links libc under: `libc.so.6` is glibc's, `libc.so` and `libc.musl-x86_64.so.1` are musl's. */
static enum libc libc_of_library(const struct file* file) {
  const Elf64_Phdr* dynamic = segment(file, PT_DYNAMIC);
  if (dynamic == NULL) return UNKNOWN;
  Elf64_Dyn entries[DYNAMIC_MAX];
  ssize_t bytes = pread(file->fd, entries, dynamic->p_filesz < sizeof entries ? dynamic->p_filesz : sizeof entries,
                        (off_t)dynamic->p_offset);
  int count = bytes > 0 ? (int)((size_t)bytes / sizeof entries[0]) : 0;
  uint64_t names = 0;
  for (int i = 0; i < count; i++)
    if (entries[i].d_tag == DT_STRTAB) names = offset_of(file, entries[i].d_un.d_ptr);
  if (names == 0) return UNKNOWN;
  for (int i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
    if (entries[i].d_tag != DT_NEEDED) continue;
    char name[NAME_MAX_BYTES];
    text_at(file, names + entries[i].d_un.d_val, name);
    if (strcmp(name, "libc.so.6") == 0) return GLIBC;
    if (strcmp(name, "libc.so") == 0 || strncmp(name, "libc.musl-", 10) == 0) return MUSL;
  }
  return UNKNOWN;
}

static int fits(const struct file* library, const struct file* program) {
  if (library->head.e_machine != program->head.e_machine) return 0;
  enum libc has = libc_of_program(program), wants = libc_of_library(library);
  return has == UNKNOWN || wants == UNKNOWN || has == wants;
}

int launcher_loadable(const char* library, const char* program) {
  struct file theirs, ours;
  int is_library = open_elf(library, &theirs) && theirs.head.e_type == ET_DYN && is_whole(&theirs);
  int loadable = is_library && (!open_elf(program, &ours) || fits(&theirs, &ours));
  if (is_library) close_elf(&ours);
  close_elf(&theirs);
  return loadable;
}
