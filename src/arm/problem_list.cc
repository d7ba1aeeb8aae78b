#include "arm/problem_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/json_writer.h"

namespace passerelle::arm {

Location ProblemList::locate(const Position& where) const {
  return {where.file < files_.size() ? files_[where.file] : std::string(), where.line, where.column};
}

void ProblemList::add(Severity severity, const Position& where, std::string code, std::string message,
                      std::string path) {
  if (entries_.size() >= problems_max && severity == Severity::warning) return;
  if (entries_.size() >= problems_max) {
    ++left_out_;
    return;
  }
  entries_.push_back(
      {{locate(where), severity, std::move(code), std::move(message), std::move(path)}, where});
}

void ProblemList::warning_once(const Position& where, const std::string& code, const std::string& message,
                               std::string path) {
  const auto [place, fresh] =
      once_.try_emplace(fmt::format("{}|{}|{}", where.file, code, message), entries_.size());
  if (fresh)
    add(Severity::warning, where, code, message, std::move(path));
  else if (place->second < entries_.size())  // it may have been one too many
    ++entries_[place->second].times;
}

void ProblemList::hide(const std::string& secret) {
  if (secret.size() < secret_bytes_min) return;
  secrets_.insert(secret);
  std::string quoted;
  append_json_string(quoted, secret);
  secrets_.insert(quoted.substr(1, quoted.size() - 2));  // as printed JSON has it
}

std::string ProblemList::without_secrets(std::string text) const {
  constexpr std::string_view mask = "********";
  for (const std::string& secret : secrets_) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + mask.size()))
      text.replace(at, secret.size(), mask);
  }
  return text;
}

Problems ProblemList::take() {
  for (Entry& entry : entries_) {
    if (secrets_.empty()) break;
    entry.problem.message = without_secrets(std::move(entry.problem.message));
    entry.problem.path = without_secrets(std::move(entry.problem.path));
  }
  std::ranges::sort(entries_, {}, [](const Entry& e) {
    return std::tuple(e.where.file, e.where.line, e.where.column, e.problem.message);
  });
  Problems out;
  for (auto& entry : entries_) {
    // One element that several others use is looked at several times.
    const auto again = [&](const Problem& earlier) {
      return earlier.where.line == entry.problem.where.line &&
             earlier.where.column == entry.problem.where.column &&
             earlier.where.file == entry.problem.where.file && earlier.message == entry.problem.message;
    };
    if (!out.empty() && again(out.back())) continue;
    if (entry.times > 1) entry.problem.message += fmt::format(" ({} times in this file)", entry.times);
    out.push_back(std::move(entry.problem));
  }
  entries_.clear();
  if (left_out_ > 0) {
    out.push_back({{files_.empty() ? std::string() : files_.front(), 0, 0},
                   Severity::error,
                   "TooManyProblems",
                   fmt::format("{} more are left out; mend these first", left_out_),
                   {}});
  }
  return out;
}

}  // namespace passerelle::arm
