#include "protocol/websocket/frame_gate.h"

#include <algorithm>
#include <utility>

namespace passerelle::websocket {
namespace {

constexpr std::uint8_t pong = 10, first_control = 8, last_opcode = 10, last_data = 2;
constexpr std::size_t held_bytes_max = 139;

}  // namespace

std::optional<FrameGate::Header> FrameGate::parse(BytesView held) {
  if (held.size() < 2) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(held[i]); };
  const std::uint8_t short_length = byte(1) & 0x7f;
  const bool masked = (byte(1) & 0x80) != 0;
  const std::size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  Header out{byte(0), 2 + length_bytes + (masked ? 4 : 0), short_length, std::nullopt};
  if (held.size() < out.bytes) return std::nullopt;
  if (length_bytes > 0) out.length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) out.length = out.length << 8 | byte(2 + i);
  if (masked) out.mask_at = static_cast<std::uint32_t>(2 + length_bytes);
  return out;
}

void FrameGate::let_go(std::string& out) {
  out += held_;
  held_.clear();
}

FrameGate::Passed FrameGate::pass(BytesView in, std::string& out,
                                  std::optional<std::uint64_t> message_bytes_max, BytesView ping) {
  Passed passed;
  while (!in.empty() && !shut_) {
    if (opaque_) {
      out += in;
      break;
    }
    if (payload_left_ > 0) {
      const auto n = std::min<std::uint64_t>(payload_left_, in.size());
      out += in.substr(0, n);
      payload_left_ -= n;
      in.remove_prefix(n);
      if (payload_left_ == 0) passed.boundary = out.size();
      continue;
    }
    held_ += in.front();
    in.remove_prefix(1);
    if (answer_left_ == 0) {
      const auto header = parse(held_);
      if (header) decide(*header, out, message_bytes_max, ping.size() == ping_bytes, passed);
    } else if (--answer_left_ == 0) {
      const Answer answer = answer_to(*parse(held_), ping);
      passed.answered = passed.answered || answer == Answer::last;
      if (answer == Answer::none) out += held_;
      passed.boundary = out.size();
      held_.clear();
    }
  }
  if (shut_) held_ += in;
  return passed;
}

void FrameGate::decide(const Header& header, std::string& out, std::optional<std::uint64_t> message_bytes_max,
                       bool may_be_answer, Passed& passed) {
  const std::uint8_t opcode = header.first & 0x0f;
  const bool fin = (header.first & 0x80) != 0;
  const bool control = opcode >= first_control;
  if (opcode > last_opcode || (opcode > last_data && !control) ||
      (control && (header.length > 125 || !fin)) || header.length >> 63 != 0) {
    opaque_ = true;
    return let_go(out);
  }
  if (control) {
    if (opcode == pong && may_be_answer && header.length == ping_bytes) {
      answer_left_ = header.length;
      return;
    }
  } else {
    // 2^63 twice is more than a number holds; nobody sends it.
    message_bytes_ = std::max(message_bytes_, message_bytes_ + header.length);
    if (message_bytes_max && message_bytes_ > *message_bytes_max) {
      passed.verdict = Verdict::message_too_long;
      shut_ = true;
      return;
    }
    if (fin) {
      message_bytes_ = 0;
      ++passed.messages;
    }
  }
  payload_left_ = header.length;
  let_go(out);
  if (payload_left_ == 0) passed.boundary = out.size();
}

FrameGate::Answer FrameGate::answer_to(const Header& header, BytesView ping) const {
  const BytesView payload = BytesView(held_).substr(header.bytes);
  std::size_t same = 0;
  for (; same < std::min(payload.size(), ping.size()); ++same) {
    const char mask = header.mask_at ? held_[*header.mask_at + same % 4] : '\0';
    if (static_cast<char>(payload[same] ^ mask) != ping[same]) break;
  }
  return same == ping_bytes ? Answer::last : same >= ping_prefix_bytes ? Answer::earlier : Answer::none;
}

void FrameGate::save(BinaryWriter& out) const {
  out.text(held_)
      .number(payload_left_)
      .number(message_bytes_)
      .number(answer_left_)
      .number(opaque_)
      .number(shut_);
}

FrameGate FrameGate::restored(BinaryReader& in) {
  FrameGate out;
  out.held_ = in.text();
  out.payload_left_ = in.number<std::uint64_t>();
  out.message_bytes_ = in.number<std::uint64_t>();
  out.answer_left_ = in.number<std::uint64_t>();
  out.opaque_ = in.number<std::uint8_t>() != 0;
  out.shut_ = in.number<std::uint8_t>() != 0;
  const bool sound = in.ok() && out.held_.size() < held_bytes_max &&
                     (out.answer_left_ == 0 || (out.answer_left_ <= ping_bytes && parse(out.held_)));
  if (!sound) {
    out = {};
    out.opaque_ = true;
  }
  return out;
}

}  // namespace passerelle::websocket
