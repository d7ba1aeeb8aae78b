#include "tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include <span>

namespace passerelle::tls {
namespace {

bool set_mac_key(EVP_MAC_CTX* mac, std::array<unsigned char, 32>& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

void TicketKeys::rotate() {
  Key key;
  RAND_bytes(key.name.data(), static_cast<int>(key.name.size()));
  RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size()));
  RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size()));
  const std::scoped_lock hold(lock_);
  keys_.push_front(key);
  while (keys_.size() > keys_kept) {
    OPENSSL_cleanse(&keys_.back(), sizeof keys_.back());
    keys_.pop_back();
  }
}

std::string TicketKeys::save() {
  const std::lock_guard lock(lock_);
  std::string out;
  for (const Key& key : keys_) {
    for (const std::span<const unsigned char> part :
         {std::span<const unsigned char>(key.name), std::span<const unsigned char>(key.cipher),
          std::span<const unsigned char>(key.mac)}) {
      for (const unsigned char byte : part) out += static_cast<char>(byte);
    }
  }
  return out;
}

bool TicketKeys::restore(BytesView saved) {
  constexpr std::size_t key_bytes = sizeof(Key::name) + sizeof(Key::cipher) + sizeof(Key::mac);
  if (saved.empty() || saved.size() % key_bytes != 0 || saved.size() / key_bytes > keys_kept) return false;
  std::deque<Key> keys(saved.size() / key_bytes);
  for (Key& key : keys) {
    for (const std::span<unsigned char> part :
         {std::span<unsigned char>(key.name), std::span<unsigned char>(key.cipher),
          std::span<unsigned char>(key.mac)}) {
      for (unsigned char& byte : part) {
        byte = static_cast<unsigned char>(saved.front());
        saved.remove_prefix(1);
      }
    }
  }
  const std::lock_guard lock(lock_);
  keys_ = std::move(keys);
  return true;
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  if (RAND_bytes(iv, iv_bytes) != 1) return -1;
  const std::scoped_lock hold(lock_);
  Key& key = keys_.front();
  std::memcpy(name, key.name.data(), name_bytes);
  const bool done = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
                    set_mac_key(mac, key.mac);
  return done ? 1 : -1;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) {
  const std::scoped_lock hold(lock_);
  const auto key = std::ranges::find_if(
      keys_, [&](const Key& each) { return std::memcmp(each.name.data(), name, name_bytes) == 0; });
  if (key == keys_.end()) return 0;
  const bool done = set_mac_key(mac, key->mac) &&
                    EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) == 1;
  if (!done) return -1;
  return key == keys_.begin() ? 1 : 2;
}

}  // namespace passerelle::tls
