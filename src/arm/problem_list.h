// Collects every problem of a load; says a repeated one once, with how often.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "arm/json_value.h"
#include "base/problem.h"

namespace passerelle::arm {

// A resource for the time of one load.
class ProblemList {
 public:
  explicit ProblemList(std::vector<std::string> files) : files_(std::move(files)) {}

  void error(const Position& where, std::string code, std::string message, std::string path = {}) {
    add(Severity::error, where, std::move(code), std::move(message), std::move(path));
  }
  void warning(const Position& where, std::string code, std::string message, std::string path = {}) {
    add(Severity::warning, where, std::move(code), std::move(message), std::move(path));
  }
  // The same remark again in the same file only counts.
  void warning_once(const Position& where, const std::string& code, const std::string& message,
                    std::string path = {});

  // No message shows it, whenever it was written. Texts shorter than secret_bytes_min give nothing away.
  void hide(const std::string& secret);
  static constexpr std::size_t secret_bytes_min = 4;
  // More say nothing that these do not.
  static constexpr std::size_t problems_max = 1000;

  [[nodiscard]] Location locate(const Position& where) const;
  // The text without what is hidden.
  [[nodiscard]] std::string without_secrets(std::string text) const;
  // In the order of files and lines.
  [[nodiscard]] Problems take();

 private:
  void add(Severity severity, const Position& where, std::string code, std::string message, std::string path);
  struct Entry {
    Problem problem;
    Position where;
    unsigned times = 1;
  };
  std::vector<std::string> files_;
  std::vector<Entry> entries_;
  std::set<std::string> secrets_;
  std::size_t left_out_ = 0;
  std::map<std::string, std::size_t> once_;
};

}  // namespace passerelle::arm
