#include "io/uring_stream.h"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace passerelle::io {

UringStream::~UringStream() {
  if (sending_) uring().forget_send(*this);
  uring().forget_lender(*this);
  drop_kept();
}

UringEngine& UringStream::uring() const { return static_cast<UringEngine&>(engine_); }

BytesView UringStream::untaken() const {
  if (kept_ != nullptr && kept_->taken < kept_->bytes.size())
    return BytesView(kept_->bytes.data(), kept_->bytes.size()).substr(kept_->taken);
  return uring().lent_by(*this);
}

void UringStream::drop_kept() {
  const RecyclePool<Park>::Lease given_back(std::exchange(kept_, nullptr), {&engine_.parks()});
}

void UringStream::on_fed(std::size_t bytes) {
  // There is more than is well received in small buffers.
  if (bytes == Uring::buffer_bytes) stop_feed();
  if (kept_ != nullptr && kept_->taken < kept_->bytes.size()) {
    keep(uring().take_lent(*this));
    if (kept_->bytes.size() > kept_bytes_max) stop_feed();
  }
  readable_ = true;
  if (!frozen_) run();
}

void UringStream::keep(BytesView bytes) {
  if (bytes.empty()) return;
  if (kept_ != nullptr && kept_->taken == kept_->bytes.size()) drop_kept();
  if (kept_ == nullptr) kept_ = engine_.parks().take().release();
  kept_->bytes.insert(kept_->bytes.end(), bytes.begin(), bytes.end());
}

void UringStream::stop_feed() {
  drained_ = 0;
  if (feed_ != Feed::on) return;
  feed_ = Feed::ending;
  uring().stop_feeding(descriptor_);
}

void UringStream::on_fed_up(int error, bool ended) {
  if (error != 0) keep_error(error);
  // Events tell of an end in a moment; whoever asks before is to know.
  if (ended) readable_ = true;
  if (error != 0 && !frozen_) on_events(EPOLLERR | EPOLLRDHUP | EPOLLHUP);
}

bool UringStream::try_receive(Result<BytesView>& result) {
  if (frozen_) return false;
  if (const BytesView here = untaken(); !here.empty()) {
    if (kept_ != nullptr) {
      result = here.substr(0, SocketEngine::received_bytes_max);
      kept_->taken += result->size();
    } else {
      result = uring().take_lent(*this);
    }
    if (feed_ != Feed::off && untaken().empty()) readable_ = false;
    return true;
  }
  drop_kept();  // its loan is over
  if (feed_ != Feed::off) return readable_ = false;
  if (!SocketStream::try_receive(result)) return false;
  const bool drained = result && !result->empty() && result->size() <= small_bytes_max && !readable_;
  drained_ = drained ? drained_ + 1 : 0;
  if (drained_ == drained_min && writable_ && send_ == nullptr) {
    feed_ = Feed::on;
    drained_ = 0;
    uring().feed(descriptor_);
  }
  return true;
}

bool UringStream::try_send(SendOperation& operation) {
  if (sending_) return false;  // what becomes of it will be told
  const bool gathers = feed_ == Feed::on && &operation != send_ && writable_ && !operation.bytes.empty() &&
                       !operation.finish && operation.bytes.size() <= Uring::buffer_bytes;
  return !gathers && SocketStream::try_send(operation);
}

void UringStream::wait_send(SendOperation& operation) {
  if (feed_ == Feed::on && writable_ && !frozen_) {
    send_ = &operation;
    sending_ = true;
    operation.bytes = uring().send(descriptor_, *this, operation.bytes);
    return;
  }
  SocketStream::wait_send(operation);
  stop_feed();
}

void UringStream::on_sent(int result) {
  sending_ = false;
  SendOperation& operation = *send_;
  if (result < 0 && result != -EAGAIN && result != -EINTR) {
    if (result != -EPIPE) keep_error(-result);  // a reset is one for whoever receives, too
    operation.result = std::unexpected(error_from_errno(-result, "send"));
    operation.bytes = {};
  }
  if (result > 0) operation.bytes.remove_prefix(static_cast<std::size_t>(result));
  if (operation.bytes.empty()) {
    if (frozen_) return;  // told after the thaw
    return std::exchange(send_, nullptr)->complete_now();
  }
  writable_ = false;
  SocketStream::wait_send(operation);
  stop_feed();
}

void UringStream::cancel_send(SendOperation& operation) {
  if (sending_) {
    sending_ = false;
    uring().forget_send(*this);
    uring().submit();  // what is sent after it must not overtake it
  }
  SocketStream::cancel_send(operation);
}

bool UringStream::quiet() {
  if (!untaken().empty()) return false;
  // What it is fed is not in the kernel any more.
  if (feed_ != Feed::off && uring().has_news_for(*this)) return false;
  return SocketStream::quiet();
}

bool UringStream::seems_quiet() { return untaken().empty() && SocketStream::seems_quiet(); }

// Whoever looks ahead means to pass on.
BytesView UringStream::peek(MutableBytes into) {
  stop_feed();
  if (!untaken().empty() || feed_ != Feed::off) return {};
  return SocketStream::peek(into);
}

PassedOn UringStream::pass_on(Stream& to, std::uint64_t bytes_max) {
  stop_feed();
  if (!untaken().empty() || feed_ != Feed::off) return {};
  return SocketStream::pass_on(to, bytes_max);
}

FrozenStream UringStream::freeze() {
  frozen_ = true;
  keep(uring().take_lent(*this));
  stop_feed();
  uring().settle(descriptor_, *this);
  FrozenStream out = SocketStream::freeze();
  out.unread = untaken();
  return out;
}

void UringStream::thaw() {
  SocketStream::thaw();
  // What came or went while it was being frozen: no event tells of it.
  if (readable_ && (receive_ != nullptr || watcher_ != nullptr)) engine_.run_soon(*this);
  if (send_ != nullptr && send_->bytes.empty() && !send_->finish)
    std::exchange(send_, nullptr)->complete_soon();
}

}  // namespace passerelle::io
