#include "protocol/websocket/frame_observer.h"

#include <cstring>

namespace passerelle::websocket {
namespace {

constexpr std::uint8_t masked_bit = 0x80, length_bits = 0x7f;
constexpr std::uint8_t two_byte_length = 126, eight_byte_length = 127;
constexpr std::uint64_t control_bytes_max = 125;
constexpr std::uint8_t opcode_binary = 2;
constexpr std::uint16_t no_status = 1005;
constexpr std::size_t code_bytes = 2;

std::uint8_t length_bytes(std::uint8_t second) {
  const std::uint8_t length = second & length_bits;
  return length == two_byte_length ? 2 : length == eight_byte_length ? 8 : 0;
}

std::uint8_t header_bytes(std::uint8_t second) {
  return 2 + length_bytes(second) + ((second & masked_bit) != 0 ? 4 : 0);
}

}  // namespace

bool FrameHeader::is_known() const {
  if (is_control()) return opcode() <= pong && length <= control_bytes_max && fin();
  return opcode() <= opcode_binary && length >> 63 == 0;
}

std::size_t FrameObserver::read_header(BytesView bytes, FrameHeader& header) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  if (bytes.size() < 2 || bytes.size() < header_bytes(byte(1))) return 0;
  header = {static_cast<std::uint64_t>(byte(1) & length_bits), byte(0)};
  if (const std::size_t extended = length_bytes(byte(1)); extended > 0) {
    header.length = 0;
    for (std::size_t at = 2; at < 2 + extended; ++at) header.length = header.length << 8 | byte(at);
  }
  return header_bytes(byte(1));
}

std::size_t FrameObserver::whole_header(BytesView bytes) {
  FrameHeader header;
  const std::size_t size = read_header(bytes, header);
  if (size == 0) return 0;
  first_ = header.first;
  second_ = static_cast<std::uint8_t>(bytes[1]);
  payload_left_ = header.length;
  if ((second_ & masked_bit) != 0)
    std::memcpy(mask_.data(), bytes.data() + size - mask_.size(), mask_.size());
  return size;
}

bool FrameObserver::header_byte(std::uint8_t byte) {
  const std::uint8_t at = have_++;
  if (at == 0) {
    first_ = byte;
    payload_left_ = 0;
    return false;
  }
  if (at == 1) {
    second_ = byte;
    const std::uint8_t length = byte & length_bits;
    if (length < two_byte_length) payload_left_ = length;
  } else if (at < 2 + length_bytes(second_)) {
    payload_left_ = payload_left_ << 8 | byte;
  } else {
    mask_[static_cast<std::size_t>(at - 2 - length_bytes(second_))] = byte;
  }
  return have_ == header_bytes(second_) && end_header();
}

bool FrameObserver::end_header() {
  have_ = 0;
  const FrameHeader header{payload_left_, first_};
  opaque_ = !header.is_known();
  if (opaque_) return false;
  if ((second_ & masked_bit) == 0) mask_ = {};
  in_close_ = header.opcode() == FrameHeader::close && close_ == nullptr;
  if (in_close_) close_ = std::make_unique<Close>();
  return true;
}

void FrameObserver::close_payload(BytesView payload) {
  for (const char c : payload) {
    const std::uint8_t mask = mask_[close_->payload.size() % mask_.size()];
    close_->payload += static_cast<char>(static_cast<std::uint8_t>(c) ^ mask);
  }
}

FrameObserver::FrameObserver(const FrameObserver& other)
    : payload_left_(other.payload_left_),
      message_bytes_(other.message_bytes_),
      close_(other.close_ ? std::make_unique<Close>(*other.close_) : nullptr),
      mask_(other.mask_),
      first_(other.first_),
      second_(other.second_),
      have_(other.have_),
      in_close_(other.in_close_),
      opaque_(other.opaque_) {}

void FrameObserver::save(BinaryWriter& out) const {
  out.number(payload_left_).number(message_bytes_).number(first_).number(second_).number(have_);
  for (const std::uint8_t byte : mask_) out.number(byte);
  out.number(in_close_).number(opaque_).number(close_ != nullptr);
  if (close_) out.text(close_->payload);
}

FrameObserver FrameObserver::restored(BinaryReader& in) {
  FrameObserver out;
  out.payload_left_ = in.number<std::uint64_t>();
  out.message_bytes_ = in.number<std::uint64_t>();
  out.first_ = in.number<std::uint8_t>();
  out.second_ = in.number<std::uint8_t>();
  out.have_ = in.number<std::uint8_t>();
  for (std::uint8_t& byte : out.mask_) byte = in.number<std::uint8_t>();
  out.in_close_ = in.number<std::uint8_t>() != 0;
  out.opaque_ = in.number<std::uint8_t>() != 0;
  if (in.number<std::uint8_t>() != 0) out.close_ = std::make_unique<Close>(Close{std::string(in.text())});
  const bool within_header = out.have_ < 2 || out.have_ < header_bytes(out.second_);
  const bool sound = in.ok() && within_header && (!out.in_close_ || out.close_) &&
                     (!out.close_ || out.close_->payload.size() <= control_bytes_max);
  if (!sound) out.opaque_ = true;
  return out;
}

std::uint16_t FrameObserver::close_code() const {
  if (close_ == nullptr) return 0;
  if (close_->payload.size() < code_bytes) return no_status;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(close_->payload[i]); };
  return static_cast<std::uint16_t>(at(0) << 8 | at(1));
}

BytesView FrameObserver::close_reason() const {
  if (close_ == nullptr || close_->payload.size() < code_bytes) return {};
  return BytesView(close_->payload).substr(code_bytes);
}

}  // namespace passerelle::websocket
