// WebSocket frames: the observer sees the same at every cut, the gate lets through what came, and the reader
// never reads past what it was given.
#include "fuzz/pieces.h"
#include "protocol/websocket/frame.h"
#include "protocol/websocket/frame_gate.h"
#include "protocol/websocket/frame_observer.h"

using namespace passerelle;

namespace {

struct Counted {
  void on_frame(const websocket::FrameHeader& header) {
    ++frames;
    bytes += header.length;
  }
  void on_message(std::uint64_t size) {
    ++messages;
    message_bytes += size;
  }
  bool operator==(const Counted&) const = default;
  std::uint64_t frames = 0, bytes = 0, messages = 0, message_bytes = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  websocket::FrameObserver whole, cut;
  Counted of_whole, of_cut;
  whole.observe(input, of_whole);
  for (const auto piece : fuzz::pieces_of(input)) cut.observe(piece, of_cut);
  fuzz::must(of_whole == of_cut && whole.opaque() == cut.opaque() && whole.close_seen() == cut.close_seen() &&
             whole.close_code() == cut.close_code() && whole.close_reason() == cut.close_reason() &&
             whole.between_frames() == cut.between_frames());
  // A gate that refuses nothing lets everything through, whatever it is and however it is cut.
  websocket::FrameGate gate;
  std::string passed;
  for (const auto piece : fuzz::pieces_of(input)) (void)gate.pass(piece, passed, std::nullopt, {});
  passed += gate.held();
  fuzz::must(passed == input);
  websocket::FrameReader reader(1 << 16);
  std::uint64_t messages = 0;
  for (const auto piece : fuzz::pieces_of(input)) {
    reader.feed(piece);
    for (;;) {
      const auto frame = reader.next();
      if (!frame) return 0;
      if (!*frame) break;
      if ((*frame)->fin && (*frame)->opcode <= websocket::Opcode::binary) ++messages;
    }
  }
  fuzz::must(whole.opaque() || messages == of_whole.messages || !whole.between_frames());
  return 0;
}
