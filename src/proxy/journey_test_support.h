// A worker with its listener, one rule and one member, on any engine: the whole journey without a process.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "io/task_group.h"
#include "proxy/worker.h"

namespace passerelle::proxy::testing_support {

// RFC 6455 section 1.3.
constexpr std::string_view sample_switch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
constexpr std::string_view sample_handshake =
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
    "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";

class Journey {
 public:
  // `answer` serves each connection the member gets.
  using Answer = std::function<io::Task<>(io::Stream&, io::StopSource&)>;

  Journey(io::Engine& engine, const Clock& clock, Answer answer, const Limits& limits = {})
      : engine_(engine),
        events_(clock, telemetry::Level::error, false, std::make_shared<telemetry::LineSink>(2, "")),
        worker_(engine, WorkerSettings{limits}, events_),
        answer_(std::move(answer)),
        tasks_(engine) {
    member_listener_ = std::move(*engine.listen(*Endpoint::parse("127.0.0.1:0"), {}));
    auto listener = std::move(*engine.listen(*Endpoint::parse("127.0.0.1:0"), {}));
    address_ = listener->local();
    worker_.set_snapshot(make_snapshot());
    worker_.add_listener(0, std::move(listener));
    tasks_.spawn(accept_members());
  }

  // Runs `client` to its end, then everything else.
  void run(io::Task<> client) {
    tasks_.spawn(drive(std::move(client)));
    if (!done_) engine_.run();
    EXPECT_TRUE(done_) << "something waits for ever";
  }

  io::Task<std::unique_ptr<io::Stream>> connect() {
    auto stream = co_await engine_.connect(address_, wait());
    co_return std::move(*stream);
  }
  // Reads until `end` was seen or the stream ended.
  io::Task<std::string> read_until(io::Stream& stream, std::string end) {
    std::string all;
    while (end.empty() || all.find(end) == std::string::npos) {
      const auto got = co_await stream.receive(wait());
      if (!got || got->empty()) break;
      all += *got;
    }
    co_return all;
  }
  io::Wait wait() { return {never, &tasks_.stop_source()}; }
  io::TaskGroup& tasks() { return tasks_; }
  io::Engine& engine() { return engine_; }
  Worker& worker() { return worker_; }
  board::Member& member() { return *member_; }
  model::Gateway& gateway() { return *gateway_; }

 private:
  std::shared_ptr<const Snapshot> make_snapshot() {
    gateway_ = std::make_shared<model::Gateway>();
    gateway_->frontends.push_back({"front:80", {}, 80, false, {0}, {}, {}});
    gateway_->listeners.push_back({"listener", 0, {}, {}, 0, {}});
    model::BackendGroup group{"pool", "settings", {}, {}};
    group.settings.name = "settings";
    gateway_->groups.push_back(group);
    gateway_->rules.push_back({"rule", 0, {}, {}, {}, {0, 0, {}}});
    gateway_->destinations = 1;
    model::build_indexes(*gateway_);
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->gateway = gateway_;
    snapshot->contexts = {nullptr};
    snapshot->client_contexts = {
        tls::ClientContext::make(
            {.chain_and_expiry = false, .name = false, .authorities = {}, .servers_themselves = {}})
            .value()};
    snapshot->names = {
        std::make_shared<const RouteNames>(RouteNames{"id", "listener", "rule", "pool", "settings"})};
    snapshot->frontend_of = {0};
    snapshot->bound_ports = {80};
    member_ = std::make_shared<board::Member>("member", member_listener_->local(), false, "settings");
    member_->health = model::Health::up;
    snapshot->groups.emplace_back().members = {member_};
    return snapshot;
  }
  io::Task<> accept_members() {
    for (;;) {
      auto accepted = co_await member_listener_->accept(wait());
      if (!accepted) co_return;
      tasks_.spawn(serve_member(std::move(accepted->stream)));
    }
  }
  io::Task<> serve_member(std::unique_ptr<io::Stream> stream) {
    co_await answer_(*stream, tasks_.stop_source());
  }
  io::Task<> drive(io::Task<> client) {
    co_await std::move(client);
    co_await worker_.finish();
    tasks_.stop();
    done_ = true;
    while (tasks_.running() > 1) co_await engine_.yield();
    engine_.stop();
  }

  io::Engine& engine_;
  telemetry::EventLog events_;
  Worker worker_;
  Answer answer_;
  io::TaskGroup tasks_;
  std::unique_ptr<io::Listener> member_listener_;
  std::shared_ptr<model::Gateway> gateway_;
  std::shared_ptr<board::Member> member_;
  Endpoint address_;
  bool done_ = false;
};

}  // namespace passerelle::proxy::testing_support
