#include "io/uring_engine.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "io/uring_stream.h"

namespace passerelle::io {
namespace {

// How many entries are made at once.
constexpr std::size_t entries_more = 64;
constexpr std::size_t entries_max = 1 << 20;

// What ends a feed and says nothing of the connection.
bool says_nothing(int result) {
  return result == 0 || result == -ECANCELED || result == -ENOBUFS || result == -EAGAIN || result == -EINTR ||
         result == -ENOMEM;
}

}  // namespace

UringEngine::UringEngine(Clock& clock, Random& random, std::unique_ptr<Uring> uring)
    : SocketEngine(clock, random), uring_(std::move(uring)) {
  // Room for all there may be, of which only what is used becomes memory.
  rlimit most{};
  if (getrlimit(RLIMIT_NOFILE, &most) == 0)
    entries_.reserve(std::min<std::size_t>(most.rlim_cur, entries_max));
  uring_->poll(wake_descriptor(), EPOLLIN, static_cast<std::uint64_t>(Kind::wake));
}

std::unique_ptr<SocketStream> UringEngine::make_stream(int descriptor) {
  return std::make_unique<UringStream>(*this, descriptor);
}

UringEngine::Entry& UringEngine::entry(int descriptor) {
  const auto index = static_cast<std::size_t>(descriptor);
  if (index >= entries_.size()) entries_.resize(index + entries_more);
  return entries_[index];
}

std::uint64_t UringEngine::tag_of(Kind kind, int descriptor) const {
  const auto index = static_cast<std::uint64_t>(descriptor);
  return std::uint64_t{entries_[index].generation} << generation_shift | index << kind_bits |
         static_cast<std::uint64_t>(kind);
}

bool UringEngine::add(int descriptor, EventTarget& target, std::uint32_t events) {
  Entry& added = entry(descriptor);
  added.target = &target;
  added.events = static_cast<std::uint16_t>(events);  // but for EPOLLET, which it does anyway
  ask_for_events(descriptor);
  return true;  // should it fail, it is told as an event
}

void UringEngine::ask_for_events(int descriptor) {
  Entry& asked = entry(descriptor);
  ++asked.generation;
  asked.asked = Kind::events;
  uring_->poll(descriptor, asked.events, tag_of(Kind::events, descriptor));
}

void UringEngine::drop_request(int descriptor) {
  Entry& dropped = entry(descriptor);
  if (dropped.asked != Kind::untold) uring_->cancel(tag_of(dropped.asked, descriptor));
  ++dropped.generation;
  dropped.asked = Kind::untold;
}

void UringEngine::suspend(int descriptor) { drop_request(descriptor); }

void UringEngine::remove(int descriptor, const EventTarget& /*target*/) {
  drop_request(descriptor);
  entry(descriptor).target = nullptr;
  uring_->close(descriptor);
}

bool UringEngine::has_news_for(const EventTarget& target) {
  uring_->collect(completions_);  // what has come since, without a call
  return std::any_of(completions_.begin() + static_cast<std::ptrdiff_t>(next_), completions_.end(),
                     [&](const UringCompletion& news) {
                       const Kind kind = kind_of(news);
                       return (kind == Kind::events || kind == Kind::feed) && !is_stale(news) &&
                              entries_[index_of(news)].target == &target;
                     });
}

void UringEngine::feed(int descriptor) {
  drop_request(descriptor);
  Entry& fed = entry(descriptor);
  fed.asked = Kind::feed;
  uring_->receive(descriptor, tag_of(Kind::feed, descriptor));
}

void UringEngine::stop_feeding(int descriptor) { uring_->cancel(tag_of(Kind::feed, descriptor)); }

BytesView UringEngine::send(int descriptor, UringStream& stream, BytesView bytes) {
  if (sendings_free_.empty()) {
    sendings_free_.push_back(static_cast<std::uint32_t>(sendings_.size()));
    sendings_.emplace_back();
  }
  const std::uint32_t index = sendings_free_.back();
  sendings_free_.pop_back();
  Sending& sending = sendings_[index];
  sending.stream = &stream;
  if (lent_ >= 0 && uring_->buffer_of(bytes) == lent_) {
    sending.buffer = lent_;
    uring_->hold(lent_);
  } else {
    sending.copy = copies_.take();
    sending.copy->bytes.assign(bytes.begin(), bytes.end());
    bytes = {sending.copy->bytes.data(), sending.copy->bytes.size()};
  }
  uring_->send(descriptor, bytes, std::uint64_t{index} << kind_bits | static_cast<std::uint64_t>(Kind::send));
  return bytes;
}

void UringEngine::forget_send(const UringStream& stream) {
  for (Sending& sending : sendings_) {
    if (sending.stream == &stream) sending.stream = nullptr;
  }
}

bool UringEngine::is_stale(const UringCompletion& news) const {
  const Kind kind = kind_of(news);
  if (kind == Kind::untold) return true;
  if (kind != Kind::events && kind != Kind::feed) return false;
  return entries_[index_of(news)].generation != news.tag >> generation_shift;
}

void UringEngine::settle(int descriptor, UringStream& stream) {
  // What is being lent in this moment is another's.
  const int lent = std::exchange(lent_, -1);
  UringStream* const lender = std::exchange(lender_, nullptr);
  const BytesView lent_bytes = lent_bytes_;
  while (!stream.settled()) {
    const auto before = static_cast<std::ptrdiff_t>(completions_.size());
    uring_->look(completions_);
    for (std::size_t i = next_; i < completions_.size(); ++i) {
      const UringCompletion news = completions_[i];
      const Kind kind = kind_of(news);
      const std::uint32_t index = index_of(news);
      const bool concerns = (kind == Kind::feed && index == static_cast<std::uint32_t>(descriptor)) ||
                            (kind == Kind::send && sendings_[index].stream == &stream);
      if (!concerns) continue;
      completions_[i] = {};
      tell(news);
    }
    // Many streams are settled in a row: what is nobody's any more is not looked at again and again.
    completions_.erase(
        std::remove_if(completions_.begin() + before, completions_.end(),
                       [this](const UringCompletion& news) { return is_stale(news) && news.buffer() < 0; }),
        completions_.end());
  }
  lent_ = lent;
  lender_ = lender;
  lent_bytes_ = lent_bytes;
}

void UringEngine::wait_and_tell(Duration at_most) {
  // Mostly none are left; but whoever settles a stream looks in between.
  completions_.erase(completions_.begin(), completions_.begin() + static_cast<std::ptrdiff_t>(next_));
  next_ = 0;
  uring_->wait(completions_.empty() ? at_most : Duration::zero(), completions_);
  update_now();
  while (next_ < completions_.size()) {
    const UringCompletion news = completions_[next_++];
    new_turn();
    tell(news);
  }
}

void UringEngine::tell(const UringCompletion& news) {
  const std::uint32_t index = index_of(news);
  switch (kind_of(news)) {
    case Kind::untold: return;
    case Kind::wake:
      if (!news.more_follow()) uring_->poll(wake_descriptor(), EPOLLIN, news.tag);
      return woken();
    case Kind::events: return tell_events(static_cast<int>(index), news);
    case Kind::feed: return tell_fed(static_cast<int>(index), news);
    case Kind::send: return tell_sent(index, news);
  }
}

void UringEngine::tell_events(int descriptor, const UringCompletion& news) {
  if (is_stale(news)) return;
  EventTarget& target = *entry(descriptor).target;
  const bool failed = news.result < 0;
  // Short of memory, it is asked again.
  if (!news.more_follow() && (!failed || says_nothing(news.result))) ask_for_events(descriptor);
  if (!failed) return target.on_events(static_cast<std::uint32_t>(news.result));
  if (!says_nothing(news.result)) target.on_events(EPOLLERR);
}

void UringEngine::tell_fed(int descriptor, const UringCompletion& news) {
  const int buffer = news.buffer();
  if (buffer >= 0) uring_->hold(buffer);
  if (!is_stale(news)) {
    UringStream& stream = UringStream::of(*entry(descriptor).target);
    // The last of it may be told with bytes; the stream may be gone behind them.
    if (!news.more_follow()) {
      ask_for_events(descriptor);
      stream.on_feed_end();
    }
    if (news.result > 0) {
      lent_ = buffer;
      lender_ = &stream;
      lent_bytes_ = uring_->received(news);
      stream.on_fed(lent_bytes_.size());
      if (lender_ != nullptr) lender_->keep(lent_bytes_);
      lent_ = -1;
      lender_ = nullptr;
    } else {
      stream.on_fed_up(says_nothing(news.result) ? 0 : -news.result, news.result == 0);
    }
  }
  if (buffer >= 0) uring_->release(buffer);
}

void UringEngine::tell_sent(std::uint32_t index, const UringCompletion& news) {
  // What the stream still refers to lives as long as this.
  const Sending sent = std::exchange(sendings_[index], {});
  sendings_free_.push_back(index);
  if (sent.stream != nullptr) sent.stream->on_sent(news.result);
  if (sent.buffer >= 0) uring_->release(sent.buffer);
}

}  // namespace passerelle::io
