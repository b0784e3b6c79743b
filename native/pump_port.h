#pragma once
#include <errno.h>
#include <cstdint>
namespace pilot {
inline void pump_exited(uint32_t) {}
inline void pump_flush(int) {}
inline void pump_release(uint32_t) {}
}
