// Memory that outlives the program: shared mappings in a memfd, whose descriptor an exec can hand on.
#pragma once
#include <stddef.h>

namespace pilot {

/**
 * Maps `bytes` zeroed bytes, shared, writable, pages taken only when touched. `wants_file`: in a memfd, close-on-exec and
 * above stdio, given in `*fd`; -1 there when it is not wanted or not to be had (old kernel, no descriptor left): then
 * plain shared memory serves. Null, with errno set, when there is no memory.
 */
void* map_shared(const char* name, size_t bytes, bool wants_file, int* fd);

}  // namespace pilot
