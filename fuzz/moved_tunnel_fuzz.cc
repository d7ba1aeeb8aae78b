// What a process says of the tunnels it hands over: read without harm whatever it is, and written back as it
// was read.
#include "fuzz/pieces.h"
#include "proxy/moved_tunnel.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  BinaryReader reader(fuzz::as_text(data, size));
  const auto tunnel = proxy::MovedTunnel::restored(reader);
  if (!reader.ok()) return 0;
  BinaryWriter once, twice;
  tunnel.save(once);
  BinaryReader again(once.bytes());
  proxy::MovedTunnel::restored(again).save(twice);
  fuzz::must(again.complete() && once.bytes() == twice.bytes());
  return 0;
}
