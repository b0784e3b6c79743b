/*
 * Gives every thread a stack for its fault handler: one that has used up its own could not be told of it otherwise
 * (sigaltstack(2)). Takes the place of the C library's pthread_create in the whole process when preloaded into Node.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "early.h"

#define FAULT_STACK_BYTES (64 * 1024)

typedef int creator(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

/* At the start of the mapping that is the stack. */
struct begin {
  void* (*body)(void*);
  void* argument;
};

static void give_back(void* memory) {
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  munmap(memory, FAULT_STACK_BYTES);
}

static void* run(void* memory) {
  struct begin begin = *(struct begin*)memory;
  stack_t stack = {.ss_sp = memory, .ss_size = FAULT_STACK_BYTES};
  sigaltstack(&stack, NULL);
  void* result;
  pthread_cleanup_push(give_back, memory);
  result = begin.body(begin.argument);
  pthread_cleanup_pop(1);
  return result;
}

static int create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  creator* library = (creator*)dlsym(RTLD_NEXT, "pthread_create");
  if (library == NULL) return EAGAIN;
  if (!cp_mask_is_guarded()) return library(thread, attributes, body, argument);
  struct begin* memory = mmap(NULL, FAULT_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return library(thread, attributes, body, argument);
  *memory = (struct begin){body, argument};
  int error = library(thread, attributes, run, memory);
  if (error != 0) munmap(memory, FAULT_STACK_BYTES);
  return error;
}

__attribute__((visibility("default"), alias("create"))) int pthread_create(pthread_t*, const pthread_attr_t*,
                                                                            void* (*)(void*), void*);
