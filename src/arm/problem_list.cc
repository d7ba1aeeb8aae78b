#include "arm/problem_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace passerelle::arm {

Location ProblemList::locate(const Position& where) const {
  return {where.file < files_.size() ? files_[where.file] : std::string(), where.line, where.column};
}

void ProblemList::add(Severity severity, const Position& where, std::string code, std::string message,
                      std::string path) {
  entries_.push_back(
      {{locate(where), severity, std::move(code), std::move(message), std::move(path)}, where});
}

void ProblemList::warning_once(const Position& where, const std::string& code, const std::string& message,
                               std::string path) {
  const auto [place, fresh] =
      once_.try_emplace(fmt::format("{}|{}|{}", where.file, code, message), entries_.size());
  if (fresh)
    add(Severity::warning, where, code, message, std::move(path));
  else
    ++entries_[place->second].times;
}

void ProblemList::hide(const std::string& secret) {
  if (secret.size() >= secret_bytes_min) secrets_.insert(secret);
}

Problems ProblemList::take() {
  for (const std::string& secret : secrets_) {
    for (Entry& entry : entries_) {
      for (std::string* text : {&entry.problem.message, &entry.problem.path}) {
        for (auto at = text->find(secret); at != std::string::npos; at = text->find(secret, at + 1))
          text->replace(at, secret.size(), "********");
      }
    }
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
  return out;
}

}  // namespace passerelle::arm
