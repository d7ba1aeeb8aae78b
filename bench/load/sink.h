// What a one-way load and its backend agree on.
#pragma once

namespace bench {

constexpr unsigned sink_messages = 16;  // are acknowledged by one byte

}  // namespace bench
