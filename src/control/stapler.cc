#include "control/stapler.h"

#include <algorithm>

#include "control/check_tls.h"

namespace passerelle::control {
namespace {

constexpr std::chrono::seconds ask_timeout{10};
constexpr std::chrono::minutes retry_interval{1};
// For answers that name no end.
constexpr std::chrono::hours usual_life{1};

WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace

void Stapler::follow(const model::Gateway& gateway) {
  Problems known;  // each was said when the configuration was loaded
  const Certificates read = read_certificates(gateway.certificates, known);
  std::map<std::string, Followed> next;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto issued = read[i] ? tls::Issued::of(*read[i]) : std::nullopt;
    if (!issued || !tls::ocsp_question(*issued)) continue;
    const std::string fingerprint = issued->fingerprint();
    if (auto same = followed_.extract(fingerprint))
      next.insert(std::move(same));
    else
      next.emplace(fingerprint, Followed{gateway.certificates[i].name, *issued});
  }
  for (const auto& [fingerprint, gone] : followed_) staples_.set(fingerprint, nullptr);
  followed_ = std::move(next);
}

io::Task<> Stapler::run(io::StopSource& changed) {
  while (!changed.requested()) {
    WallTime next = WallTime::max();
    for (auto& [fingerprint, followed] : followed_) {
      if (followed.due <= engine_.wall()) co_await ask(followed, changed);
      if (changed.requested()) co_return;
      next = std::min(next, followed.due);
    }
    const TimePoint until = next == WallTime::max()
                                ? never
                                : engine_.now() + std::max<Duration>(next - engine_.wall(), ask_timeout);
    (void)co_await engine_.sleep({until, &changed});
  }
}

io::Task<> Stapler::ask(Followed& followed, io::StopSource& stop) {
  auto question = tls::ocsp_question(followed.certificate);
  const std::string fingerprint = followed.certificate.fingerprint();
  auto got = co_await client_.ask({question->url, "application/ocsp-response", tls::ocsp_bytes_max,
                                   std::move(question->request), "application/ocsp-request"},
                                  engine_.in(ask_timeout, stop));
  if (stop.requested()) co_return;
  const auto read = got ? tls::read_ocsp_answer(followed.certificate, *got)
                        : std::expected<tls::OcspAnswer, std::string>(std::unexpected(got.error()));
  const WallTime now = engine_.wall();
  if (!read) {
    followed.due = now + retry_interval;
    if (followed.end <= now) staples_.set(fingerprint, nullptr);
    events_.warning("tls", "the OCSP responder {} of the certificate '{}' cannot be used: {}; {}",
                    question->url, followed.name, read.error(),
                    followed.end > now ? "its last answer is shown" : "nothing is stapled");
    co_return;
  }
  if (read->status == tls::OcspAnswer::Status::revoked)
    events_.error("tls", "the certificate '{}' is revoked, and clients that look will refuse it",
                  followed.name);
  followed.end = read->next_update != 0 ? at(read->next_update) : now + usual_life;
  followed.due = now + std::max<Duration>((followed.end - now) / 2, retry_interval);
  const bool shown = read->status != tls::OcspAnswer::Status::unknown;
  staples_.set(fingerprint, shown ? std::make_shared<const std::string>(std::move(*got)) : nullptr);
}

}  // namespace passerelle::control
