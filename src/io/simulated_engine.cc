#include "io/simulated_engine.h"

#include <algorithm>

namespace passerelle::io {
namespace {

// One direction of a connection.
struct Pipe {
  std::string bytes;
  bool finished = false;
  bool reset = false;
  MemoryStream* reader = nullptr;
  MemoryStream* writer = nullptr;
};

void wake(MemoryStream* stream);

}  // namespace

// What the kernel calls an open file description: streams that share one are the same end of the connection,
// and it closes when the last of them goes.
struct MemoryEnd {
  MemoryEnd(std::shared_ptr<Pipe> in_pipe, std::shared_ptr<Pipe> out_pipe)
      : in(std::move(in_pipe)), out(std::move(out_pipe)) {}
  ~MemoryEnd() {
    // As TCP has it: closing with unread bytes, or when told to, resets; otherwise the peer reads an end.
    if (reset_on_close || !in->bytes.empty()) {
      out->reset = true;
      in->reset = true;
    } else {
      out->finished = true;
      in->reset = true;  // what the peer sends from now on meets a closed socket
    }
    wake(out->reader);
    wake(in->writer);
  }
  MemoryEnd(const MemoryEnd&) = delete;
  MemoryEnd& operator=(const MemoryEnd&) = delete;

  std::shared_ptr<Pipe> in;
  std::shared_ptr<Pipe> out;
  bool reset_on_close = false;
};

class MemoryStream final : public Stream, private Ready {
 public:
  MemoryStream(SimulatedEngine& engine, std::shared_ptr<MemoryEnd> end)
      : engine_(engine), end_(std::move(end)), in_(end_->in), out_(end_->out) {
    take_ends();
  }
  ~MemoryStream() override {
    if (in_->reader == this) in_->reader = nullptr;
    if (out_->writer == this) out_->writer = nullptr;
  }
  void reset_on_close() override { end_->reset_on_close = true; }
  void wake() { engine_.run_soon(*this); }

  bool can_freeze() const override { return !in_->reset && (send_ == nullptr || !send_->finish); }
  FrozenStream freeze() override {
    frozen_ = true;
    Ready::unlink();
    return {engine_.share(end_), send_ != nullptr ? send_->bytes : BytesView()};
  }
  void thaw() override {
    frozen_ = false;
    take_ends();
    wake();
  }
  void watch(StreamWatcher* watcher) override {
    watcher_ = watcher;
    tell_watcher();
  }
  Engine& engine() override { return engine_; }

  bool quiet() override { return in_->bytes.empty() && !in_->finished && !in_->reset; }

  bool can_pass_on() const override { return true; }
  int writable_descriptor() const override { return frozen_ || send_ != nullptr ? -1 : 0; }
  BytesView peek(MutableBytes into) override {
    if (frozen_ || in_->bytes.empty()) return {};
    const std::size_t most = std::min(in_->bytes.size(), into.size);
    const std::size_t n = 1 + engine_.random().next() % most;
    in_->bytes.copy(into.data, n);
    return {into.data, n};
  }
  // Some of what is here, and of that some of what the other has room for.
  PassedOn pass_on(Stream& to, std::uint64_t bytes_max) override {
    auto& other = static_cast<MemoryStream&>(to);
    if (frozen_ || in_->bytes.empty() || to.writable_descriptor() < 0 || other.out_->reset) return {};
    const std::size_t most = std::min(
        {in_->bytes.size(), engine_.settings().chunk_bytes_max, static_cast<std::size_t>(bytes_max)});
    const BytesView taken = engine_.lend(in_->bytes.substr(0, 1 + engine_.random().next() % most));
    in_->bytes.erase(0, taken.size());
    io::wake(in_->writer);
    const std::size_t room = engine_.settings().pipe_bytes_max - other.out_->bytes.size();
    const std::size_t given = std::min(taken.size(), room);
    other.out_->bytes.append(taken.substr(0, given));
    io::wake(other.out_->reader);
    return {taken.size(), taken.substr(given)};
  }

  bool try_receive(Result<BytesView>& result) override {
    if (frozen_) return false;
    if (!in_->bytes.empty()) {
      const std::size_t most = std::min(in_->bytes.size(), engine_.settings().chunk_bytes_max);
      const std::size_t n = 1 + engine_.random().next() % most;
      result = engine_.lend(in_->bytes.substr(0, n));
      in_->bytes.erase(0, n);
      io::wake(in_->writer);
      return true;
    }
    if (in_->finished) {
      result = BytesView();
      return true;
    }
    if (in_->reset) {
      result = fail(ErrorKind::reset, "receive");
      return true;
    }
    return false;
  }
  void wait_receive(ReceiveOperation& operation) override {
    receive_ = &operation;
    wake();
  }
  void cancel_receive(ReceiveOperation& operation) override {
    receive_ = nullptr;
    operation.complete_soon();
  }
  bool try_send(SendOperation& operation) override {
    if (frozen_) return false;
    if (out_->reset || out_->finished) {
      operation.result = fail(ErrorKind::reset, "send");
      return true;
    }
    const std::size_t room = engine_.settings().pipe_bytes_max - out_->bytes.size();
    const std::size_t n = std::min(room, operation.bytes.size());
    out_->bytes.append(operation.bytes.substr(0, n));
    operation.bytes.remove_prefix(n);
    if (!operation.bytes.empty()) {
      // Two full pipes would wake each other for ever, and the clock would stand still.
      if (n > 0) io::wake(out_->reader);
      return false;
    }
    if (operation.finish) out_->finished = true;
    io::wake(out_->reader);
    return true;
  }
  void wait_send(SendOperation& operation) override {
    park_.assign(operation.bytes);
    operation.bytes = park_;
    send_ = &operation;
  }
  void cancel_send(SendOperation& operation) override {
    send_ = nullptr;
    operation.complete_soon();
  }

 private:
  void take_ends() {
    in_->reader = this;
    out_->writer = this;
  }
  void tell_watcher() {
    if (watcher_ == nullptr || receive_ != nullptr) return;
    if (in_->reset && !in_->finished)
      watcher_->on_reset();
    else if (!in_->bytes.empty())
      watcher_->on_readable();
    else if (in_->finished)
      watcher_->on_peer_finished();
  }
  void run() override {
    if (frozen_) return;
    tell_watcher();
    if (send_ != nullptr && try_send(*send_)) {
      if (receive_ != nullptr) wake();
      return std::exchange(send_, nullptr)->complete_now();
    }
    if (receive_ != nullptr && try_receive(receive_->result)) {
      if (send_ != nullptr) wake();
      std::exchange(receive_, nullptr)->complete_now();
    }
  }

  SimulatedEngine& engine_;
  std::shared_ptr<MemoryEnd> end_;
  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  std::string park_;
  ReceiveOperation* receive_ = nullptr;
  SendOperation* send_ = nullptr;
  StreamWatcher* watcher_ = nullptr;
  bool frozen_ = false;
};

namespace {

void wake(MemoryStream* stream) {
  if (stream != nullptr) stream->wake();
}

}  // namespace

class SimulatedListener final : public Listener, private Ready {
 public:
  SimulatedListener(SimulatedEngine& engine, Endpoint local) : engine_(engine), local_(std::move(local)) {}
  ~SimulatedListener() override { engine_.forget(*this); }
  const Endpoint& local() const override { return local_; }
  Engine& engine() override { return engine_; }
  std::uint64_t refused() const override { return 0; }
  int descriptor() const override { return -1; }
  bool try_accept(AcceptOperation& operation) override {
    if (waiting_.empty()) return false;
    operation.result.emplace(
        Accepted{std::move(waiting_.front()), Endpoint{*IpAddress::parse("192.0.2.7"), 50007, {}}});
    waiting_.pop_front();
    return true;
  }
  void wait_accept(AcceptOperation& operation) override {
    accept_ = &operation;
    if (!waiting_.empty()) engine_.run_soon(*this);
  }
  void cancel_accept(AcceptOperation& operation) override {
    accept_ = nullptr;
    operation.complete_soon();
  }
  void arrive(std::unique_ptr<Stream> stream) {
    waiting_.push_back(std::move(stream));
    if (accept_ != nullptr) engine_.run_soon(*this);
  }

 private:
  void run() override {
    if (accept_ != nullptr && try_accept(*accept_)) std::exchange(accept_, nullptr)->complete_now();
  }
  SimulatedEngine& engine_;
  Endpoint local_;
  AcceptOperation* accept_ = nullptr;
  std::deque<std::unique_ptr<Stream>> waiting_;
};

SimulatedEngine::SimulatedEngine(SimulatedClock& clock, Random& random, const SimulationSettings& settings)
    : Engine(clock, random), simulated_clock_(clock), settings_(settings) {}

SimulatedEngine::~SimulatedEngine() = default;

void SimulatedEngine::run() {
  stopping_ = false;
  while (!stopping_) {
    std::ranges::fill(lent_, '\xdd');
    take_posted();
    if (!ready_.empty()) {
      run_ready();
    } else if (!timers_.empty()) {
      simulated_clock_.advance_to(timers_.next());
      update_now();
      new_turn();
      timers_.fire(now_);
    } else {
      return;
    }
  }
}

void SimulatedEngine::take_posted() {
  for (;;) {
    std::function<void()> function;
    {
      const std::lock_guard lock(posted_mutex_);
      if (posted_.empty()) return;
      function = std::move(posted_.front());
      posted_.pop_front();
    }
    new_turn();
    function();
  }
}

void SimulatedEngine::post(std::function<void()> function) {
  const std::lock_guard lock(posted_mutex_);
  posted_.push_back(std::move(function));
}

BytesView SimulatedEngine::lend(std::string bytes) {
  std::ranges::fill(lent_, '\xdd');
  lent_ = std::move(bytes);
  return lent_;
}

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> SimulatedEngine::make_pair() {
  auto there = std::make_shared<Pipe>();
  auto back = std::make_shared<Pipe>();
  return {std::make_unique<MemoryStream>(*this, std::make_shared<MemoryEnd>(back, there)),
          std::make_unique<MemoryStream>(*this, std::make_shared<MemoryEnd>(there, back))};
}

Result<std::unique_ptr<Listener>> SimulatedEngine::listen(const Endpoint& endpoint, const ListenOptions&) {
  Endpoint local = endpoint;
  if (!local.is_unix() && local.port == 0) local.port = next_port_++;
  const auto [place, fresh] = listeners_.try_emplace(local.to_string(), nullptr);
  if (!fresh) return fail(ErrorKind::in_use, "bind");
  auto listener = std::make_unique<SimulatedListener>(*this, local);
  place->second = listener.get();
  return listener;
}

Result<std::unique_ptr<Listener>> SimulatedEngine::adopt_listener(int, const ListenOptions&) {
  return fail(ErrorKind::refused, "adopt");
}

int SimulatedEngine::share(const std::shared_ptr<MemoryEnd>& end) {
  shared_[next_descriptor_] = end;
  return next_descriptor_++;
}

Result<std::unique_ptr<Stream>> SimulatedEngine::adopt_stream(int descriptor) {
  const auto found = shared_.extract(descriptor);
  auto end = found ? found.mapped().lock() : nullptr;
  if (!end) return fail(ErrorKind::closed, "adopt");
  return std::make_unique<MemoryStream>(*this, std::move(end));
}

void SimulatedEngine::forget(const SimulatedListener& listener) {
  listeners_.erase(listener.local().to_string());
}

bool SimulatedEngine::try_connect(ConnectOperation& operation) {
  const std::string name = operation.endpoint.to_string();
  if (std::ranges::find(black_holes_, name) != black_holes_.end()) return false;
  const auto found = listeners_.find(name);
  if (found == listeners_.end()) {
    operation.result.emplace(fail(ErrorKind::refused, "connect"));
    return true;
  }
  auto [mine, theirs] = make_pair();
  found->second->arrive(std::move(theirs));
  operation.result.emplace(std::move(mine));
  return true;
}

void SimulatedEngine::wait_connect(ConnectOperation&) {}

void SimulatedEngine::cancel_connect(ConnectOperation& operation) { operation.complete_soon(); }

}  // namespace passerelle::io
