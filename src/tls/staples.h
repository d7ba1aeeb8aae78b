// Answers of OCSP responders for our own certificates, to be shown with them in handshakes (RFC 6066 section
// 8).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace passerelle::tls {

// A resource for any thread: whoever asks responders puts answers in, handshakes take them out.
class Staples {
 public:
  // For the certificate of this fingerprint; null: none any more.
  void set(const std::string& fingerprint, std::shared_ptr<const std::string> answer) {
    const std::scoped_lock hold(lock_);
    if (answer)
      answers_[fingerprint] = std::move(answer);
    else
      answers_.erase(fingerprint);
  }
  [[nodiscard]] std::shared_ptr<const std::string> find(const std::string& fingerprint) const {
    const std::scoped_lock hold(lock_);
    const auto found = answers_.find(fingerprint);
    return found == answers_.end() ? nullptr : found->second;
  }

 private:
  mutable std::mutex lock_;
  std::map<std::string, std::shared_ptr<const std::string>> answers_;
};

}  // namespace passerelle::tls
