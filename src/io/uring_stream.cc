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
  if (kept_ != nullptr && !kept_is_lent_) return {kept_->bytes.data(), kept_->bytes.size()};
  return uring().lent_by(*this);
}

void UringStream::drop_kept() {
  const RecyclePool<Park>::Lease given_back(std::exchange(kept_, nullptr), {&engine_.parks()});
}

void UringStream::on_fed(std::size_t bytes) {
  // There is more than is well received in small buffers.
  if (bytes == Uring::buffer_bytes) stop_feed();
  if (kept_ != nullptr && !kept_is_lent_) {
    keep(uring().take_lent(*this));
    if (kept_->bytes.size() > kept_bytes_max) stop_feed();
  }
  readable_ = true;
  if (!frozen_) run();
}

void UringStream::keep(BytesView bytes) {
  if (bytes.empty()) return;
  if (kept_is_lent_) drop_kept();
  if (kept_ == nullptr) kept_ = engine_.parks().take().release();
  kept_is_lent_ = false;
  kept_->bytes.insert(kept_->bytes.end(), bytes.begin(), bytes.end());
}

void UringStream::stop_feed() {
  drained_ = 0;
  if (feed_ != Feed::on) return;
  feed_ = Feed::ending;
  uring().stop_feeding(descriptor_);
}

void UringStream::on_feed_end(int error) {
  feed_ = Feed::off;
  if (error == 0) return;
  error_ = error;
  readable_ = true;
  if (!frozen_) on_events(EPOLLERR);
}

bool UringStream::try_receive(Result<BytesView>& result, std::uint32_t bytes_max) {
  if (frozen_) return false;
  const bool whole = bytes_max == ReceiveOperation::all;
  if (!whole) stop_feed();  // what follows is to be passed on
  if (kept_is_lent_) {
    kept_is_lent_ = false;
    drop_kept();
  }
  if (kept_ != nullptr) {
    result = untaken();
    kept_is_lent_ = true;
    if (feed_ != Feed::off) readable_ = false;
    return true;
  }
  if (const BytesView lent = uring().take_lent(*this); !lent.empty()) {
    result = lent;
    if (feed_ != Feed::off) readable_ = false;
    return true;
  }
  if (feed_ != Feed::off) return readable_ = false;
  if (!SocketStream::try_receive(result, bytes_max)) return false;
  const bool drained = result && !result->empty() && result->size() <= small_bytes_max && !readable_ && whole;
  drained_ = drained ? drained_ + 1 : 0;
  if (drained_ == drained_min && writable_ && send_ == nullptr) {
    feed_ = Feed::on;
    drained_ = 0;
    uring().feed(descriptor_);
  }
  return true;
}

bool UringStream::try_send(SendOperation& operation) {
  const bool gathers = feed_ == Feed::on && &operation != send_ && writable_ && !operation.bytes.empty() &&
                       !operation.finish && !operation.more_follows &&
                       operation.bytes.size() <= Uring::buffer_bytes;
  return !gathers && SocketStream::try_send(operation);
}

void UringStream::wait_send(SendOperation& operation) {
  if (feed_ == Feed::on && writable_ && !frozen_) {
    send_ = &operation;
    sending_ = true;
    return uring().send(descriptor_, *this, operation.bytes);
  }
  SocketStream::wait_send(operation);
  stop_feed();
}

void UringStream::on_sent(int result) {
  sending_ = false;
  SendOperation& operation = *send_;
  if (result < 0 && result != -EAGAIN && result != -EINTR) {
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
  if (!untaken().empty() || uring().has_news_for(*this)) return false;
  return SocketStream::quiet();
}

bool UringStream::seems_quiet() { return untaken().empty() && SocketStream::seems_quiet(); }

PassedOn UringStream::pass_on(Stream& to, std::uint64_t bytes_max) {
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

}  // namespace passerelle::io
