#include "io/uring.h"

#include <liburing.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <system_error>

namespace passerelle::io {
namespace {

constexpr int buffer_group = 0;
constexpr unsigned completions_max = 8 * Uring::requests_max;

// The kernel is short of memory or of room for completions, or there was a signal: it is asked again.
bool is_passing(int result) {
  return result == -EAGAIN || result == -EBUSY || result == -EINTR || result == -ETIME || result == -ENOMEM;
}

void check(int result) {
  if (result < 0 && !is_passing(result))
    throw std::system_error(-result, std::generic_category(), "io_uring_enter");
}

}  // namespace

bool UringCompletion::more_follow() const { return (flags & IORING_CQE_F_MORE) != 0; }

int UringCompletion::buffer() const {
  return (flags & IORING_CQE_F_BUFFER) != 0 ? static_cast<int>(flags >> IORING_CQE_BUFFER_SHIFT) : -1;
}

void Uring::Free::operator()(void* memory) const { std::free(memory); }  // NOLINT(*-no-malloc)

Uring::Uring() : ring_(std::make_unique<io_uring>()) {}

std::unique_ptr<Uring> Uring::open() {
  std::unique_ptr<Uring> uring(new Uring);
  io_uring_params params{};
  // One thread asks and looks, and what has happened is worked off when it looks and at no other time. It
  // is another thread than this one: so not yet.
  params.flags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE;
  params.cq_entries = completions_max;
  if (io_uring_queue_init_params(requests_max, uring->ring_.get(), &params) != 0) return nullptr;
  uring->open_ = true;
  if (!uring->prepare_buffers()) return nullptr;
  return uring;
}

bool Uring::prepare_buffers() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  offered_.reset(static_cast<io_uring_buf_ring*>(
      std::aligned_alloc(page, std::max(page, buffers_count * sizeof(io_uring_buf)))));
  buffers_.reset(static_cast<char*>(std::aligned_alloc(page, buffers_count * buffer_bytes)));
  if (!offered_ || !buffers_) return false;
  // Real memory from the start: it does not look as if the first tunnels took it.
  std::fill_n(buffers_.get(), buffers_count * buffer_bytes, '\0');
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(offered_.get());
  registration.ring_entries = buffers_count;
  registration.bgid = buffer_group;
  if (io_uring_register_buf_ring(ring_.get(), &registration, 0) != 0) return false;
  io_uring_buf_ring_init(offered_.get());
  for (unsigned i = 0; i < buffers_count; ++i) {
    hold(static_cast<int>(i));
    release(static_cast<int>(i));
  }
  return true;
}

Uring::~Uring() {
  if (open_) io_uring_queue_exit(ring_.get());
  for (const int descriptor : closing_) ::close(descriptor);
}

io_uring_sqe& Uring::next_request() {
  if (waiting_.empty()) {
    io_uring_sqe* request = io_uring_get_sqe(ring_.get());
    if (request == nullptr && submit()) request = io_uring_get_sqe(ring_.get());
    if (request != nullptr) return *request;
  }
  return waiting_.emplace_back();
}

// In order, once there is room.
void Uring::hand_over_waiting() {
  for (const io_uring_sqe& waiting : waiting_) {
    io_uring_sqe* request = io_uring_get_sqe(ring_.get());
    while (request == nullptr) {
      check(io_uring_submit(ring_.get()));
      request = io_uring_get_sqe(ring_.get());
    }
    *request = waiting;
  }
  waiting_.clear();
}

void Uring::poll(int descriptor, std::uint32_t events, std::uint64_t tag) {
  io_uring_sqe& request = next_request();
  io_uring_prep_poll_multishot(&request, descriptor, events);
  io_uring_sqe_set_data64(&request, tag);
}

void Uring::receive(int descriptor, std::uint64_t tag) {
  io_uring_sqe& request = next_request();
  io_uring_prep_recv_multishot(&request, descriptor, nullptr, 0, 0);
  request.flags |= IOSQE_BUFFER_SELECT;
  request.buf_group = buffer_group;
  io_uring_sqe_set_data64(&request, tag);
}

void Uring::send(int descriptor, BytesView bytes, std::uint64_t tag) {
  io_uring_sqe& request = next_request();
  io_uring_prep_send(&request, descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  io_uring_sqe_set_data64(&request, tag);
}

void Uring::cancel(std::uint64_t tag) {
  io_uring_sqe& request = next_request();
  io_uring_prep_cancel64(&request, tag, 0);
  request.flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(&request, untold);
}

void Uring::close(int descriptor) {
  io_uring_sqe& request = next_request();
  io_uring_prep_close(&request, descriptor);
  request.flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(&request, untold);
  closing_.push_back(descriptor);
}

void Uring::begin() {
  if (!began_) {
    began_ = true;
    // io_uring_enable_rings(), which Debian 12's liburing 2.3 declares and does not export.
    if (::syscall(__NR_io_uring_register, ring_->ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) != 0)
      throw std::system_error(errno, std::generic_category(), "io_uring_register");
  }
  if (!waiting_.empty()) hand_over_waiting();
  closing_.clear();
  ++calls_;
}

void Uring::wait(Duration at_most, std::vector<UringCompletion>& completions) {
  if (at_most <= Duration::zero()) return look(completions);
  begin();
  if (at_most == Duration::max()) {
    check(io_uring_submit_and_wait(ring_.get(), 1));
  } else {
    const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(at_most).count();
    __kernel_timespec timeout{.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
    io_uring_cqe* first = nullptr;
    check(io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, &timeout, nullptr));
  }
  collect(completions);
}

void Uring::look(std::vector<UringCompletion>& completions) {
  begin();
  check(io_uring_submit_and_get_events(ring_.get()));
  collect(completions);
}

bool Uring::submit() {
  if (!began_) return false;
  ++calls_;
  const int submitted = io_uring_submit(ring_.get());
  if (submitted > 0) closing_.clear();
  return submitted >= 0 || is_passing(submitted);
}

void Uring::collect(std::vector<UringCompletion>& completions) {
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(ring_.get(), head, entry) {
    completions.push_back({entry->user_data, entry->res, entry->flags});
    ++count;
  }
  io_uring_cq_advance(ring_.get(), count);
}

int Uring::buffer_of(BytesView bytes) const {
  const std::less<const char*> before;
  const char* const first = buffers_.get();
  if (before(bytes.data(), first) || !before(bytes.data(), first + buffers_count * buffer_bytes)) return -1;
  return static_cast<int>(static_cast<std::size_t>(bytes.data() - first) / buffer_bytes);
}

void Uring::release(int index) {
  if (--holds_[static_cast<std::size_t>(index)] > 0) return;
  io_uring_buf_ring_add(offered_.get(), buffer(index), buffer_bytes, static_cast<std::uint16_t>(index),
                        io_uring_buf_ring_mask(buffers_count), 0);
  io_uring_buf_ring_advance(offered_.get(), 1);
}

}  // namespace passerelle::io
