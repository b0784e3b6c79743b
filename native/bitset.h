// A fixed set of small numbers.
#pragma once
#include <cstdint>

namespace pilot {

template <uint32_t bits>
struct BitSet {
  uint64_t words[bits / 64];
  bool has(uint32_t bit) const { return (words[bit / 64] >> bit % 64 & 1) != 0; }
  void set(uint32_t bit) { words[bit / 64] |= UINT64_C(1) << bit % 64; }
  void clear(uint32_t bit) { words[bit / 64] &= ~(UINT64_C(1) << bit % 64); }
  /** The first bit from `from` on, `bits` when there is none. */
  uint32_t next(uint32_t from) const {
    while (from < bits) {
      uint64_t word = words[from / 64] >> from % 64;
      if (word != 0) return from + static_cast<uint32_t>(__builtin_ctzll(word));
      from = (from / 64 + 1) * 64;
    }
    return bits;
  }
};

}  // namespace pilot
