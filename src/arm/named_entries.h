// Entries of the local file by name: names ignore case and may hold '*'; an exact one wins, then the longest
// pattern.
#pragma once

#include <string>
#include <vector>

#include "arm/json_value.h"
#include "base/text.h"

namespace passerelle::arm {

// A value.
template <class T>
class NamedEntries {
 public:
  struct Entry {
    std::string pattern;
    T value;
    Position where;
  };
  void add(std::string pattern, T value, Position where) {
    entries_.push_back({std::move(pattern), std::move(value), where});
  }
  [[nodiscard]] const Entry* find(std::string_view name) const {
    const Entry* best = nullptr;
    for (const Entry& entry : entries_) {
      if (equals_ignoring_case(entry.pattern, name)) return &entry;
      if (glob_matches(entry.pattern, name) &&
          (best == nullptr || entry.pattern.size() > best->pattern.size()))
        best = &entry;
    }
    return best;
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace passerelle::arm
