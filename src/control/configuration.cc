#include "control/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace passerelle::control {
namespace {

constexpr std::chrono::milliseconds watch_interval{500};

constexpr std::chrono::seconds page_timeout{10};

using Pages = std::map<std::string, std::shared_ptr<const std::string>>;

template <class Gateway, class Visit>
void each_page(Gateway& gateway, Visit visit) {
  for (auto& page : gateway.error_pages) visit(page);
  for (auto& listener : gateway.listeners) {
    for (auto& page : listener.error_pages) visit(page);
  }
}

void put_pages(model::Gateway& gateway, const Pages& pages) {
  each_page(gateway, [&](model::ErrorPage& page) {
    if (const auto found = pages.find(page.url); found != pages.end()) page.body = found->second;
  });
}

}  // namespace

Configuration::Outcome Configuration::load(Problems& problems) {
  Candidate candidate = candidate_of(source_.load_and_print());
  problems = candidate.problems;
  if (!candidate.gateway) return Outcome::invalid;
  const Problems refused = prepare(candidate);
  problems.insert(problems.end(), refused.begin(), refused.end());
  if (has_errors(refused)) return Outcome::cannot_start;
  commit(std::move(candidate));
  return Outcome::taken;
}

Candidate Configuration::candidate_of(arm::Loaded loaded) {
  Candidate out;
  out.problems = std::move(loaded.problems);
  if (!loaded.gateway) return out;
  if (const auto id = arm::GatewayId::parse(loaded.gateway->resource_id); id && !loaded.printed.empty()) {
    out.applied = {*id, std::move(loaded.printed), std::move(loaded.document), loaded.stopped, {}};
    for (const model::Certificate& certificate : loaded.gateway->certificates) {
      if (!certificate.public_part.empty())
        out.applied.public_certificates[certificate.name] = certificate.public_part;
    }
  }
  if (out.applied.stopped) {
    out.gateway = std::make_shared<model::Gateway>();
    out.gateway->name = loaded.gateway->name;
    out.gateway->resource_id = loaded.gateway->resource_id;
  } else {
    out.gateway = std::move(loaded.gateway);
  }
  return out;
}

Candidate Configuration::consider(const std::string& document, const arm::GatewayId& id, bool stopped) const {
  FileSource source = source_;
  Candidate out = candidate_of(source.consider(arm::marked(document, id, stopped), true));
  // Which files it has seen counts only once it is in force: a change that comes meanwhile is news.
  out.source = std::move(source);
  return out;
}

Problems Configuration::prepare(Candidate& candidate) {
  Problems problems;
  find_affinity_key(*candidate.gateway, problems);
  put_pages(*candidate.gateway, pages_);
  const Problems refused = activation_.prepare(candidate.gateway);
  problems.insert(problems.end(), refused.begin(), refused.end());
  return problems;
}

void Configuration::commit(Candidate candidate) {
  activation_.commit();
  gateway_ = std::move(candidate.gateway);
  applied_ = std::move(candidate.applied);
  if (candidate.source) source_ = std::move(*candidate.source);
  ++version_;
  if (pages_changed_) pages_changed_->request_stop();
  if (certificates_changed_) certificates_changed_->request_stop();
}

Problems Configuration::keep(const Applied& applied) const {
  const auto kept =
      applied.exists()
          ? state_.replace(kept_document, arm::marked(applied.document, applied.id, applied.stopped))
          : state_.remove(kept_document);
  if (kept) return {};
  return {{{}, Severity::error, "CannotWriteState", kept.error(), {}}};
}

Problems Configuration::apply(Candidate candidate, std::string_view why) {
  Problems problems = prepare(candidate);
  if (!has_errors(problems)) {
    // On the disk first: what was acknowledged must outlive a crash.
    problems = keep(candidate.applied);
    if (problems.empty()) {
      commit(std::move(candidate));
      events_.info("configuration", "version {} is in force ({})", version_, why);
      return {};
    }
    activation_.abandon();
  }
  for (const Problem& problem : problems) events_.error("configuration", "{}", problem.to_string());
  events_.error("configuration", "the configuration is refused ({}); version {} stays in force", why,
                version_);
  return problems;
}

void Configuration::find_affinity_key(model::Gateway& gateway, Problems& problems) {
  const bool asked = std::ranges::any_of(
      gateway.groups, [](const auto& group) { return !group.settings.affinity_cookie.empty(); });
  if (!asked || !gateway.options.affinity_key.empty()) return;
  if (made_key_.empty()) {
    if (auto key = state_.secret("affinity.key", random_)) {
      gateway.options.affinity_key = std::move(*key);
      return;
    } else {
      problems.push_back({{},
                          Severity::warning,
                          "NoAffinityKey",
                          fmt::format("the key of affinity cookies cannot be kept, so clients change members "
                                      "at the next start: {}; or give \"affinityKey\" in the local file",
                                      key.error()),
                          {}});
    }
    std::array<char, 32> bytes{};
    random_.fill({bytes.data(), bytes.size()});
    made_key_.assign(bytes.data(), bytes.size());
  }
  gateway.options.affinity_key = made_key_;
}

void Configuration::reload(std::string_view why) {
  Problems problems;
  const Outcome outcome = load(problems);
  for (const Problem& problem : problems) {
    if (problem.severity == Severity::error)
      events_.error("configuration", "{}", problem.to_string());
    else
      events_.debug("configuration", "{}", problem.to_string());
  }
  if (outcome == Outcome::taken)
    events_.info("configuration", "version {} is in force ({})", version_, why);
  else
    events_.error("configuration", "the configuration is refused ({}); version {} stays in force", why,
                  version_);
}

io::Task<> Configuration::follow_error_pages(io::Engine& engine, io::Resolver& resolver,
                                             io::StopSource& stop) {
  HttpClient client(engine, resolver);
  io::TaskGroup fetches(engine, &stop);
  std::uint64_t seen = 0;
  while (!stop.requested()) {
    pages_changed_ = std::make_unique<io::StopSource>(&stop);
    if (std::exchange(seen, version_) != version_) {
      std::set<std::string> wanted;
      each_page(*gateway_, [&](const model::ErrorPage& page) {
        if (!page.url.empty()) wanted.insert(page.url);
      });
      std::erase_if(pages_, [&](const auto& page) { return !wanted.contains(page.first); });
      for (const std::string& url : wanted) {
        if (under_way_.insert(url).second)
          fetches.spawn(fetch_error_page(url, engine, client, fetches.stop_source()));
      }
    }
    (void)co_await engine.sleep({never, pages_changed_.get()});
  }
  co_await fetches.join();
  pages_changed_.reset();
}

io::Task<> Configuration::fetch_error_page(std::string url, io::Engine& engine, HttpClient& client,
                                           io::StopSource& stop) {
  auto got = co_await client.ask({url, "text/html", model::ErrorPage::body_bytes_max},
                                 engine.in(page_timeout, stop));
  under_way_.erase(url);
  if (stop.requested()) co_return;
  const auto before = pages_.find(url);
  if (!got) {
    // A query may well be a key to the page (a SAS of a blob).
    events_.warning("configuration", "the error page {} cannot be fetched: {}; {} is sent",
                    url.substr(0, url.find('?')), got.error(),
                    before != pages_.end() ? "the one fetched before" : "the gateway's own page");
    co_return;
  }
  if (before != pages_.end() && *before->second == *got) co_return;
  pages_[url] = std::make_shared<const std::string>(std::move(*got));
  auto next = std::make_shared<model::Gateway>(*gateway_);
  put_pages(*next, pages_);
  gateway_ = std::move(next);
  activation_.refresh(gateway_);
}

io::Task<> Configuration::follow_certificates(io::Engine& engine, io::Resolver& resolver,
                                              tls::Staples& staples, io::StopSource& stop) {
  HttpClient client(engine, resolver);
  Stapler stapler(engine, client, staples, events_);
  while (!stop.requested()) {
    certificates_changed_ = std::make_unique<io::StopSource>(&stop);
    stapler.follow(*gateway_);
    co_await stapler.run(*certificates_changed_);
  }
  certificates_changed_.reset();
}

io::Task<bool> Configuration::changed(io::Engine& engine, io::StopSource& stop) {
  while (co_await engine.sleep(engine.in(watch_interval, stop))) {
    if (!source_.has_changed()) continue;
    const std::string now = source_.fingerprint();
    // A file still being written is left alone until it rests.
    if (!co_await engine.sleep(engine.in(watch_interval / 5, stop))) co_return false;
    if (source_.fingerprint() == now) co_return true;
  }
  co_return false;
}

}  // namespace passerelle::control
