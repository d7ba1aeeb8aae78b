#include "protocol/websocket/handshake.h"

#include <gtest/gtest.h>

#include "protocol/http1/head_parser.h"

namespace passerelle::websocket {
namespace {

MessageHead request(std::string_view fields, std::string_view line = "GET /chat HTTP/1.1") {
  MessageHead head;
  http1::HeadParser parser(http1::HeadKind::request);
  const auto progress =
      parser.feed(std::string(line) + "\r\nHost: a\r\n" + std::string(fields) + "\r\n", {}, head);
  EXPECT_TRUE(progress && progress->complete);
  return head;
}

constexpr std::string_view good =
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: "
    "dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST(Handshake, TheRfcsSampleKeyGivesTheRfcsSampleAccept) {
  EXPECT_EQ(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, AnUpgradeThatDoesNotCountIsAnOrdinaryRequest) {
  EXPECT_TRUE(*asks_for_websocket(request(good), {}));
  EXPECT_FALSE(*asks_for_websocket(request(good, "GET /chat HTTP/1.0"), {}));
  EXPECT_FALSE(*asks_for_websocket(request(good, "POST /chat HTTP/1.1"), {}));
  EXPECT_FALSE(*asks_for_websocket(request("Upgrade: websocket\r\n"), {}));
  EXPECT_FALSE(*asks_for_websocket(request("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"), {}));
  EXPECT_TRUE(*asks_for_websocket(request("Upgrade: foo\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n"
                                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
                                  {}));
}

TEST(Handshake, KeysThatAreMissingDoubleOrNoKeysAreRefused) {
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  EXPECT_EQ(asks_for_websocket(request(upgrade), {}).error().status, 400);
  EXPECT_EQ(
      asks_for_websocket(request(std::string(good) + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), {})
          .error()
          .status,
      400);
  EXPECT_EQ(asks_for_websocket(request(upgrade + "Sec-WebSocket-Key: c2hvcnQ=\r\n"), {}).error().status, 400);
  EXPECT_EQ(asks_for_websocket(request(good), {http1::Framing::Kind::length, 5}).error().status, 400);
}

Parsed<void> check(std::string_view fields) {
  MessageHead head;
  http1::HeadParser parser(http1::HeadKind::response);
  const auto progress =
      parser.feed("HTTP/1.1 101 Switching Protocols\r\n" + std::string(fields) + "\r\n", {}, head);
  EXPECT_TRUE(progress && progress->complete);
  return check_switch(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Handshake, OnlyA101ThatFitsTheKeyOpensATunnel) {
  const std::string accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  const std::string upgrade = "Upgrade: websocket\r\n", connection = "Connection: Upgrade\r\n";
  EXPECT_TRUE(check(upgrade + connection + accept));
  EXPECT_TRUE(check("upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" + accept));
  EXPECT_FALSE(check(connection + accept));
  EXPECT_FALSE(check("Upgrade: h2c\r\n" + connection + accept));
  EXPECT_FALSE(check("Upgrade: websocket, foo\r\n" + connection + accept));
  EXPECT_FALSE(check(upgrade + accept));
  EXPECT_FALSE(check(upgrade + connection));
  EXPECT_FALSE(check(upgrade + connection + "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"));
  EXPECT_TRUE(check(upgrade + connection + accept + "Content-Length: 0\r\n"));
  EXPECT_FALSE(check(upgrade + connection + accept + "Content-Length: 5\r\n"));
  EXPECT_FALSE(check(upgrade + connection + accept + "Transfer-Encoding: chunked\r\n"));
}

}  // namespace
}  // namespace passerelle::websocket
