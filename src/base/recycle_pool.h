// Objects that are taken, used and given back warm: their capacity survives, so steady traffic allocates
// nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace passerelle {

// T has clear(). One thread. What was taken comes back by the lease's destructor; the pool outlives its
// leases.
template <class T>
class RecyclePool {
 public:
  explicit RecyclePool(std::size_t kept_max) : kept_max_(kept_max) { free_.reserve(kept_max); }
  RecyclePool(const RecyclePool&) = delete;
  RecyclePool& operator=(const RecyclePool&) = delete;

  struct GiveBack {
    RecyclePool* pool = nullptr;
    void operator()(T* item) const { pool->give_back(item); }
  };
  using Lease = std::unique_ptr<T, GiveBack>;

  [[nodiscard]] Lease take() {
    if (free_.empty()) return Lease(new T, GiveBack{this});
    T* item = free_.back().release();
    free_.pop_back();
    return Lease(item, GiveBack{this});
  }

 private:
  void give_back(T* item) {
    std::unique_ptr<T> owned(item);
    if (free_.size() == kept_max_) return;
    owned->clear();
    free_.push_back(std::move(owned));
  }
  std::size_t kept_max_;
  std::vector<std::unique_ptr<T>> free_;
};

}  // namespace passerelle
