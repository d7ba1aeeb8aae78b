#include "proxy/revocation.h"

#include <algorithm>

namespace passerelle::proxy {
namespace {

// Of a verdict: an answer that names no end, and no answer at all.
constexpr std::chrono::hours life_max{1};
constexpr std::chrono::seconds life_without_an_answer{10};

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace

io::Task<std::string> RevocationCheck::judge(tls::Issued certificate, io::Wait wait) {
  const std::string fingerprint = certificate.fingerprint();
  if (const auto known = verdicts_.find(fingerprint);
      known != verdicts_.end() && known->second.until > engine_.wall())
    co_return known->second.wrong;
  auto question = tls::ocsp_question(certificate);
  if (!question || !ask_) co_return "it names no OCSP responder";
  const auto asked = ask(fingerprint, std::move(*question));
  // Woken by the answer, or looked at twice a second in case our own stop came first.
  while (!asked->answer && engine_.now() < wait.deadline && (wait.stop == nullptr || !wait.stop->requested()))
    (void)co_await engine_.sleep(engine_.in(std::chrono::milliseconds(500), asked->arrived));
  if (!asked->answer) co_return "its OCSP responder does not answer in time";
  Verdict verdict = read(certificate, *asked);
  if (verdicts_.size() >= limits_.revocation_verdicts_max) verdicts_.clear();
  verdicts_[fingerprint] = verdict;
  co_return std::move(verdict.wrong);
}

std::shared_ptr<RevocationCheck::Asked> RevocationCheck::ask(const std::string& fingerprint,
                                                             tls::OcspQuestion question) {
  auto& asking = asking_[fingerprint];
  if (asking) return asking;
  asking = std::make_shared<Asked>();
  ask_(std::move(question),
       [this, fingerprint, asked = asking](std::expected<std::string, std::string> answer) {
         engine_.post([this, fingerprint, asked, got = std::move(answer)] {
           asked->answer = got;
           asking_.erase(fingerprint);
           asked->arrived.request_stop();
         });
       });
  return asking;
}

RevocationCheck::Verdict RevocationCheck::read(const tls::Issued& certificate, const Asked& asked) const {
  using Status = tls::OcspAnswer::Status;
  const WallTime now = engine_.wall();
  const auto answer =
      *asked.answer ? tls::read_ocsp_answer(certificate, **asked.answer)
                    : std::expected<tls::OcspAnswer, std::string>(std::unexpected(asked.answer->error()));
  if (!answer) return {"its revocation cannot be checked: " + answer.error(), now + life_without_an_answer};
  const WallTime end = answer->next_update != 0 ? at(answer->next_update) : now + life_max;
  const std::string_view wrong = answer->status == Status::good      ? ""
                                 : answer->status == Status::revoked ? "certificate revoked"
                                                                     : "its issuer does not know it";
  return {std::string(wrong), std::min(end, now + life_max)};
}

}  // namespace passerelle::proxy
