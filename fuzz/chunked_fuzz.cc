// A chunked body, whole and in pieces, and written again in our own chunks.
#include "fuzz/pieces.h"
#include "protocol/http1/chunked_decoder.h"

using namespace passerelle;

namespace {

struct Decoded {
  bool refused = false, finished = false;
  std::string data;
  std::size_t consumed = 0;
};

Decoded decode(const std::vector<std::string_view>& pieces) {
  http1::ChunkedDecoder decoder;
  MessageHead trailers;
  Decoded out;
  for (auto piece : pieces) {
    while (!piece.empty() && !out.finished) {
      const auto step = decoder.next(piece, Limits{}, trailers);
      if (!step) {
        out.refused = true;
        return out;
      }
      fuzz::must(step->consumed > 0 || step->finished);
      out.data += step->data;
      out.consumed += step->consumed;
      out.finished = step->finished;
      piece.remove_prefix(step->consumed);
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  const Decoded whole = decode({input});
  const Decoded cut = decode(fuzz::pieces_of(input));
  fuzz::must(whole.refused == cut.refused && whole.finished == cut.finished);
  if (!whole.finished) return 0;
  fuzz::must(whole.data == cut.data && whole.consumed == cut.consumed);
  std::string again;
  for (const auto piece : fuzz::pieces_of(whole.data)) http1::append_chunk(again, piece);
  again += "0\r\n\r\n";
  fuzz::must(decode({again}).data == whole.data);
  return 0;
}
