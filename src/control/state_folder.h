// The folder of what must outlive a restart: --state.
#pragma once

#include <expected>
#include <string>

#include "base/random.h"

namespace passerelle::control {

// A value; touches the disk only when asked for something.
class StateFolder {
 public:
  // Empty: the default, $STATE_DIRECTORY of a service, else $XDG_STATE_HOME/passerelle or
  // ~/.local/state/passerelle, else /var/lib/passerelle.
  explicit StateFolder(std::string path);

  // The secret of that name: made at the first asking (32 random bytes in hex, mode 0600), then always the
  // same. The error is a sentence.
  [[nodiscard]] std::expected<std::string, std::string> secret(const std::string& name, Random& random) const;
  // The same where it has been made; empty where not.
  [[nodiscard]] std::string known_secret(const std::string& name) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace passerelle::control
