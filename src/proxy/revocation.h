// Whether a client's certificate is revoked (verifyClientRevocation: OCSP; behaviour sheet, section 3.3):
// asked of its issuer's responder by way of the control plane, and remembered as long as the answer holds.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/limits.h"
#include "io/engine.h"
#include "io/task.h"
#include "tls/ocsp.h"

namespace passerelle::proxy {

// Puts a question to a responder; `reply` gets the answer, or why there is none, on any thread, once.
using ResponderReply = std::function<void(std::expected<std::string, std::string>)>;
using AskResponder = std::function<void(tls::OcspQuestion, ResponderReply)>;

// A resource of a worker.
class RevocationCheck {
 public:
  RevocationCheck(io::Engine& engine, const Limits& limits, AskResponder ask)
      : engine_(engine), limits_(limits), ask_(std::move(ask)) {}

  // Empty: the issuer says it is good. Else why it will not do: what cannot be checked does not pass.
  [[nodiscard]] io::Task<std::string> judge(tls::Issued certificate, io::Wait wait);

 private:
  struct Verdict {
    std::string wrong;
    WallTime until{};
  };
  // Shared with the reply, which may come when nobody waits any more.
  struct Asked {
    std::optional<std::expected<std::string, std::string>> answer;
    io::StopSource arrived;
  };
  std::shared_ptr<Asked> ask(const std::string& fingerprint, tls::OcspQuestion question);
  Verdict read(const tls::Issued& certificate, const Asked& asked) const;

  io::Engine& engine_;
  const Limits& limits_;
  const AskResponder ask_;
  std::map<std::string, Verdict> verdicts_;               // by fingerprint
  std::map<std::string, std::shared_ptr<Asked>> asking_;  // several handshakes wait for one answer
};

}  // namespace passerelle::proxy
