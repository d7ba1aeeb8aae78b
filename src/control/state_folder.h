// The folder of what must outlive a restart: --state.
#pragma once

#include <expected>
#include <string>
#include <system_error>

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

  // A file of the folder, whole; empty where there is none.
  [[nodiscard]] std::string read(const std::string& name) const;
  // In place of the file of that name, mode 0600, on the disk when this returns: whoever reads it, after a
  // crash too, finds the old text or the new one. The error is a sentence.
  [[nodiscard]] std::expected<void, std::string> replace(const std::string& name,
                                                         const std::string& text) const;
  // Gone from the disk when this returns.
  [[nodiscard]] std::expected<void, std::string> remove(const std::string& name) const;
  // For one process, and those that take over from it, until the last of them has ended. The error is a
  // sentence.
  [[nodiscard]] std::expected<void, std::string> hold() const;
  [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  // Made, for its owner alone, if it is not there.
  [[nodiscard]] std::error_code make() const;
  std::string path_;
};

}  // namespace passerelle::control
