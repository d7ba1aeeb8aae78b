// Non-blocking TCP sockets by "ADDRESS:PORT". Whatever fails ends the program with a sentence.
#pragma once

#include <netinet/in.h>

#include <string>

namespace bench {

[[noreturn]] void die(const std::string& what);

[[nodiscard]] sockaddr_in parse_address(const std::string& text);  // IPv4; "127.0.0.1:8080"
[[nodiscard]] int listen_on(const std::string& address);
[[nodiscard]] int accept_from(int listener);  // -1: nobody is waiting
// Connecting, or connected. -1: there are no more ports or descriptors.
[[nodiscard]] int connect_to(const sockaddr_in& address);
[[nodiscard]] int error_of(int descriptor);
void allow_many_descriptors();

}  // namespace bench
