#include "client.h"

#include <array>

#include "sockets.h"

namespace bench {
namespace {

std::array<char, 256 * 1024> input;

}  // namespace

void Client::open() {
  wire_ = std::make_unique<Wire>(load_.plan.to, load_.tls);
  if (wire_->descriptor() < 0) die("no port or descriptor is left to connect with");
  ++generation_;
  opening_ = true;
  ++load_.opening;
  readable_ = finished_ = writable_ = dropped_ = false;
  load_.loop.add(wire_->descriptor(), *this);
}

void Client::open_again() {
  wire_.reset();
  first_.clear();
  then_ = {};
  open();
}

void Client::on_events(std::uint32_t events) {
  if (dropped_ || !wire_) return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) finished_ = true;
  if ((events & EPOLLOUT) != 0) writable_ = true;
  if (opening_) {
    const long opened = wire_->open();
    if (opened == Wire::wait) return;
    opening_ = false;
    --load_.opening;
    if (opened != 1) return fail("cannot connect");
    on_open();
  }
  if (sending() && writable_) flush();
  const unsigned mine = generation_;
  while (readable_ && !dropped_ && generation_ == mine) {
    const long got = wire_->read(input.data(), input.size());
    if (got == Wire::wait) {
      readable_ = false;
      return;
    }
    if (got == Wire::ended) return on_end();
    if (got == Wire::failed) return fail("the connection broke");
    if (load_.tls == nullptr && static_cast<std::size_t>(got) < input.size() && !finished_) readable_ = false;
    if (!on_bytes({input.data(), static_cast<std::size_t>(got)}))
      return fail("something else came than was to come");
  }
}

void Client::send(std::string first, std::string_view then) {
  first_ = std::move(first);
  then_ = then;
  flush();
}

void Client::flush() {
  while (sending() && !dropped_) {
    const long sent = wire_->write(first_, then_);
    if (sent == Wire::wait) {
      writable_ = false;
      return;
    }
    if (sent <= 0) return fail("cannot send");
    const auto n = static_cast<std::size_t>(sent);
    const std::size_t head = std::min(n, first_.size());
    first_.erase(0, head);
    then_.remove_prefix(n - head);
    if (!sending()) on_sent();
  }
}

void Client::fail(const char* why) {
  if (opening_) --load_.opening;
  opening_ = false;
  dropped_ = true;
  recorder().failed(why);
}

}  // namespace bench
