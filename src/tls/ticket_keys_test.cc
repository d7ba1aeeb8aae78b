// Tickets sealed with one key, and which keys open them as time goes on.
#include "tls/ticket_keys.h"

#include <gtest/gtest.h>

#include <memory>

#include "tls/openssl_handles.h"

namespace passerelle::tls {
namespace {

class TicketKeysTest : public testing::Test {
 protected:
  using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
  using Algorithm = std::unique_ptr<EVP_MAC, FreeWith<EVP_MAC_free>>;
  using Mac = std::unique_ptr<EVP_MAC_CTX, FreeWith<EVP_MAC_CTX_free>>;

  void seal() { EXPECT_EQ(keys.seal(name.data(), iv.data(), cipher.get(), mac.get()), 1); }
  int open() { return keys.open(name.data(), iv.data(), cipher.get(), mac.get()); }

  TicketKeys keys;
  Algorithm algorithm{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  Cipher cipher{EVP_CIPHER_CTX_new()};
  Mac mac{EVP_MAC_CTX_new(algorithm.get())};
  std::array<unsigned char, TicketKeys::name_bytes> name{};
  std::array<unsigned char, TicketKeys::iv_bytes> iv{};
};

TEST_F(TicketKeysTest, ATicketOpensInAProcessThatHasTheKeysOfThisOne) {
  seal();
  TicketKeys next;
  EXPECT_EQ(next.open(name.data(), iv.data(), cipher.get(), mac.get()), 0);
  EXPECT_TRUE(next.restore(keys.save()));
  EXPECT_EQ(next.open(name.data(), iv.data(), cipher.get(), mac.get()), 1);
  EXPECT_FALSE(next.restore("these are no keys"));
  EXPECT_FALSE(next.restore(""));
  EXPECT_EQ(next.open(name.data(), iv.data(), cipher.get(), mac.get()), 1);
}

TEST_F(TicketKeysTest, ATicketOpensUntilItsKeyIsRotatedOutAndIsRenewedMeanwhile) {
  seal();
  EXPECT_EQ(open(), 1);
  for (std::size_t i = 1; i < TicketKeys::keys_kept; ++i) {
    keys.rotate();
    EXPECT_EQ(open(), 2) << "opens, and the client gets a new one";
  }
  keys.rotate();
  EXPECT_EQ(open(), 0);
}

TEST_F(TicketKeysTest, AnUnknownKeyOpensNothing) {
  seal();
  name[0] ^= 1;
  EXPECT_EQ(open(), 0);
}

}  // namespace
}  // namespace passerelle::tls
