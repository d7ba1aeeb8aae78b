// Memory that HTTP work borrows: one a worker, so that an idle connection holds none.
#pragma once

#include <string>

#include "base/recycle_pool.h"
#include "protocol/message_head.h"

namespace passerelle::http {

struct Buffer {
  std::string bytes;
  void clear() { bytes.clear(); }
};

// Engine's thread. The strings are valid until the user's next suspension, like a stream's loan.
struct Workspace {
  static constexpr std::size_t kept_max = 64;
  std::string decoded;    // a chunked body's bytes
  std::string assembled;  // what goes out in one send
  std::string lent;       // what an HTTP/2 stream received
  std::string framed;     // HTTP/2 frames in one send
  RecyclePool<Buffer> buffers{kept_max};
  RecyclePool<MessageHead> heads{kept_max};
};

}  // namespace passerelle::http
