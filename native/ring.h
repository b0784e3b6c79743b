// A bounded ring for many producers and one consumer, without locks (after D. Vyukov's bounded queue: each cell carries
// the ticket it is ready for). A producer may be a signal handler that interrupted another producer: it never waits.
#pragma once
#include <atomic>
#include <cstdint>

namespace pilot {

template <typename T, uint32_t capacity>
class Ring {
  static_assert((capacity & (capacity - 1)) == 0, "a power of two, so that tickets wrap cleanly");

 public:
  /** False when full. */
  bool push(const T& item) {
    uint32_t ticket = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[ticket & mask];
      uint32_t ready = cell.turn.load(std::memory_order_acquire) + (ticket & mask);
      int32_t ahead = (int32_t)(ready - ticket);
      if (ahead < 0) return false;
      if (ahead > 0) {
        ticket = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed)) {
        cell.item = item;
        cell.turn.store(ticket + 1 - (ticket & mask), std::memory_order_release);
        return true;
      }
    }
  }

  /** False when empty, or when the oldest item is still being written (its producer wakes the consumer afterwards). */
  bool pop(T* item) {
    Cell& cell = cells_[head_ & mask];
    uint32_t ready = cell.turn.load(std::memory_order_acquire) + (head_ & mask);
    if ((int32_t)(ready - (head_ + 1)) < 0) return false;
    *item = cell.item;
    cell.turn.store(head_ + capacity - (head_ & mask), std::memory_order_release);
    head_++;
    return true;
  }

 private:
  static constexpr uint32_t mask = capacity - 1;
  struct Cell {
    /** Ticket that may use the cell, less the cell's index: all zero is an empty ring, no constructor has to run. */
    std::atomic<uint32_t> turn{0};
    // Initialised, so that the whole ring is constant-initialised: threads that the preload constructor starts push
    // before this library's dynamic initialisation has run, which would empty the ring again.
    T item{};
  };
  Cell cells_[capacity]{};
  std::atomic<uint32_t> tail_{0};
  uint32_t head_ = 0;
};

}  // namespace pilot
