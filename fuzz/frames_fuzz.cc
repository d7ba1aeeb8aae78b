// WebSocket frames: the observer sees the same at every cut, and the reader never reads past what it was
// given.
#include "fuzz/pieces.h"
#include "protocol/websocket/frame.h"
#include "protocol/websocket/frame_observer.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  websocket::FrameObserver whole, cut;
  whole.observe(input);
  for (const auto piece : fuzz::pieces_of(input)) cut.observe(piece);
  fuzz::must(whole.messages() == cut.messages() && whole.opaque() == cut.opaque() &&
             whole.close_seen() == cut.close_seen() && whole.close_code() == cut.close_code() &&
             whole.between_frames() == cut.between_frames());
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
  fuzz::must(whole.opaque() || messages == whole.messages() || !whole.between_frames());
  return 0;
}
