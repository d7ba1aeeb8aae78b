// The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): one set for all listeners and workers, kept
// across reloads, so that a client may resume anywhere.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <deque>
#include <mutex>
#include <string>

#include "base/bytes.h"

namespace passerelle::tls {

// A resource, for any thread. A ticket is sealed with the newest key and can be opened with those before it
// until they are rotated out.
class TicketKeys {
 public:
  // With hourly rotation a ticket opens for two to three hours; OpenSSL's sessions last two.
  static constexpr std::size_t keys_kept = 3;

  TicketKeys() { rotate(); }
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  void rotate();
  // For another process that goes on with our clients' sessions; and those of such a one, in place of ours.
  // False: they are none.
  [[nodiscard]] std::string save();
  bool restore(BytesView saved);

  static constexpr std::size_t name_bytes = 16, iv_bytes = 16;
  // Both as SSL_CTX_set_tlsext_ticket_key_evp_cb() wants them: -1 failed, 0 unknown key, 1 done, 2 done, and
  // a new ticket should be sent.
  [[nodiscard]] int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
  [[nodiscard]] int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac);

 private:
  struct Key {
    std::array<unsigned char, name_bytes> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };
  std::mutex lock_;
  std::deque<Key> keys_;  // the newest first
};

}  // namespace passerelle::tls
