#include "protocol/http1/head_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocol/cut_test_support.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/request_target.h"

namespace passerelle::http1 {
namespace {

using testing_support::for_every_cut;

struct Outcome {
  int status = 0;  // 0: complete; -1: incomplete; else the refusal's
  std::string seen;
  std::string rest;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(HeadKind kind, const std::vector<std::string_view>& pieces, const Limits& limits) {
  HeadParser parser(kind);
  MessageHead head;
  Outcome out{-1, {}, {}};
  for (const auto piece : pieces) {
    if (out.status == 0) {
      out.rest += piece;
      continue;
    }
    const auto progress = parser.feed(piece, limits, head);
    if (!progress) return {progress.error().status, {}, {}};
    if (!progress->complete) continue;
    out.status = 0;
    out.rest = piece.substr(progress->consumed);
    out.seen = fmt::format("{}|{}|{}|{}|{}", head.method(), head.target(), head.minor_version, head.status,
                           head.reason());
    for (const auto& field : head.fields)
      out.seen += fmt::format("|{}={}{}", head.name(field), head.value(field),
                              field.is_line ? "" : " (put together)");
  }
  return out;
}

Outcome parse_cut_anywhere(HeadKind kind, std::string_view input, const Limits& limits = {}) {
  const Outcome whole = parse(kind, {input}, limits);
  for_every_cut(input, [&](const auto& pieces) { EXPECT_EQ(parse(kind, pieces, limits), whole) << input; });
  return whole;
}

TEST(HeadParser, TheFoundingDocumentsHandshakeIsReadWordForWord) {
  const auto out =
      parse_cut_anywhere(HeadKind::request,
                         "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                         "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
                         "Sec-WebSocket-Version: 13\r\n\r\n\x81\x05");
  EXPECT_EQ(out.status, 0);
  EXPECT_EQ(out.rest, "\x81\x05");
  EXPECT_EQ(out.seen,
            "GET|/chat|1|0||Host=server.example.com|Upgrade=websocket|Connection=Upgrade|"
            "Sec-WebSocket-Key=dGhlIHNhbXBsZSBub25jZQ==|Origin=http://example.com|"
            "Sec-WebSocket-Protocol=chat, superchat|Sec-WebSocket-Version=13");
}

TEST(HeadParser, ReadsBlankValuesOddTokensAndHighBytes) {
  const auto out = parse_cut_anywhere(HeadKind::request,
                                      "\r\nM-SEARCH * HTTP/1.0\r\nA:\r\nB: \t \r\nC!#: x\xc3\xa9 y \r\n\r\n");
  EXPECT_EQ(out.seen, "M-SEARCH|*|0|0||A= (put together)|B= (put together)|C!#=x\xc3\xa9 y (put together)");
}

TEST(HeadParser, ReadsAStatusLineWithAndWithoutReason) {
  EXPECT_EQ(parse_cut_anywhere(HeadKind::response, "HTTP/1.1 101 Switching Protocols\r\n\r\n").seen,
            "||1|101|Switching Protocols");
  EXPECT_EQ(parse_cut_anywhere(HeadKind::response, "HTTP/1.0 204\r\n\r\n").seen, "||0|204|");
  EXPECT_EQ(parse_cut_anywhere(HeadKind::response, "HTTP/1.1 200 \r\n\r\n").seen, "||1|200|");
}

struct Refusal {
  int status;
  std::string_view input;
};

class RequestRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(RequestRefusals, AreTheSameAtEveryCut) {
  EXPECT_EQ(parse_cut_anywhere(HeadKind::request, GetParam().input).status, GetParam().status)
      << GetParam().input;
}

using std::string_view_literals::operator""sv;

INSTANTIATE_TEST_SUITE_P(
    HeadParser, RequestRefusals,
    testing::Values(Refusal{400, "\x16\x03\x01\x02"sv},  // TLS
                    Refusal{400, "\rGET / HTTP/1.1"}, Refusal{400, "\nGET / HTTP/1.1\r\n"},
                    Refusal{400, "GET / HTTP/1.1\nHost: a\r\n\r\n"},       // bare LF
                    Refusal{400, "GET / HTTP/1.1\r\nHost: a\n\n"},         // bare LF
                    Refusal{400, "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n"},     // bare CR
                    Refusal{400, "GET / HTTP/1.1\r\r\nA: b\r\n\r\n"},      // bare CR
                    Refusal{400, "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n"sv},   // NUL
                    Refusal{400, "GET / HTTP/1.1\r\nA: b\x7f\r\n\r\n"},    // DEL
                    Refusal{400, "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"},  // obs-fold
                    Refusal{400, "GET / HTTP/1.1\r\n A: b\r\n\r\n"},       // folded first
                    Refusal{400, "GET / HTTP/1.1\r\nA : b\r\n\r\n"},       // blank before colon
                    Refusal{400, "GET / HTTP/1.1\r\n: b\r\n\r\n"},         // empty name
                    Refusal{400, "GET / HTTP/1.1\r\nA\r\n\r\n"},           // no colon
                    Refusal{400, "GET  / HTTP/1.1\r\n\r\n"},               // two blanks
                    Refusal{400, "GET / x HTTP/1.1\r\n\r\n"},              // blank in target
                    Refusal{400, "GET /a#b HTTP/1.1\r\n\r\n"},             // fragment
                    Refusal{400, "GET /\x80 HTTP/1.1\r\n\r\n"},            // not ASCII
                    Refusal{400, "GET /\r\n\r\n"},                         // HTTP/0.9
                    Refusal{400, "GET / HTTQ/1.1\r\n\r\n"}, Refusal{400, "GET / HTTP/1.1 \r\n\r\n"},
                    Refusal{400, "GET / http/1.1\r\n\r\n"}, Refusal{400, "G@T / HTTP/1.1\r\n\r\n"},
                    Refusal{400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, Refusal{505, "GET / HTTP/1.2\r\n\r\n"},
                    Refusal{400, "\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"}));

TEST(HeadParser, EveryLimitHasItsStatus) {
  Limits limits;
  limits.target_bytes_max = 16;
  limits.head_bytes_max = 64;
  limits.header_fields_max = 3;
  EXPECT_EQ(parse_cut_anywhere(HeadKind::request, "GET /0123456789abcdef HTTP/1.1\r\n\r\n", limits).status,
            414);
  EXPECT_EQ(parse_cut_anywhere(HeadKind::request, "GET /" + std::string(200, 'a'), limits).status, 414);
  EXPECT_EQ(
      parse_cut_anywhere(HeadKind::request, "GET / HTTP/1.1\r\nA: " + std::string(64, 'a'), limits).status,
      431);
  EXPECT_EQ(
      parse_cut_anywhere(HeadKind::request, "GET / HTTP/1.1\r\nA:1\r\nB:2\r\nC:3\r\nD:4\r\n\r\n", limits)
          .status,
      431);
}

MessageHead head_of(std::string_view text) {
  HeadParser parser(HeadKind::request);
  MessageHead head;
  const auto progress = parser.feed(text, {}, head);
  EXPECT_TRUE(progress && progress->complete) << text;
  return head;
}

int framing_status(std::string_view fields, int minor = 1) {
  const auto head = head_of(fmt::format("POST / HTTP/1.{}\r\nHost: a\r\n{}\r\n", minor, fields));
  const auto framing = request_framing(head, {});
  return framing ? 0 : framing.error().status;
}

TEST(Framing, RefusesEveryBodyThatCouldBeReadTwoWays) {
  EXPECT_EQ(framing_status("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(framing_status("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(framing_status("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
  for (const char* length : {"5, 5", "+5", "-5", "0x5", "", "5 5", "18446744073709551616", "5,"}) {
    EXPECT_EQ(framing_status(fmt::format("Content-Length: {}\r\n", length)), 400) << length;
  }
  EXPECT_EQ(framing_status("Content-Length: 4294967297\r\n"), 413);
  for (const char* coding : {"xchunked", "chunked, chunked", "chunked, identity", "\"chunked\"",
                             "chunked;q=1", "identity", "", ", chunked, chunked"}) {
    EXPECT_EQ(framing_status(fmt::format("Transfer-Encoding: {}\r\n", coding)), 400) << coding;
  }
  EXPECT_EQ(framing_status("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(framing_status("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(framing_status("Transfer-Encoding: chunked\r\n", 0), 400);
  EXPECT_EQ(framing_status("Transfer-Encoding: Chunked\r\n"), 0);
}

int target_status(std::string_view text) {
  const auto head = head_of(text);
  const auto target = request_target(head);
  return target ? 0 : target.error().status;
}

TEST(RequestTarget, RefusesHostsThatAreNoneOrTwo) {
  EXPECT_EQ(target_status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(target_status("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(target_status("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  for (const char* host : {"", "a,b", "u@a", "a b", "a/b", "a:b", "a:1:2", "a:99999", "[::1", "[]", "[::1]x",
                           "a\\b", "a?b", ":80"}) {
    EXPECT_EQ(target_status(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host)), 400) << host;
  }
  for (const char* host : {"a", "a:80", "a:", "[::1]", "[::1]:443", "xn--a.example", "10.0.0.1", "a_b.c"}) {
    EXPECT_EQ(target_status(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host)), 0) << host;
  }
}

TEST(RequestTarget, RefusesMethodsAndTargetsOfAnotherTrade) {
  EXPECT_EQ(target_status("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  EXPECT_EQ(target_status("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  EXPECT_EQ(target_status("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(target_status("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
  EXPECT_EQ(target_status("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(target_status("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(target_status("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(RequestTarget, AnAbsoluteTargetsHostWinsOverHost) {
  const auto head = head_of("GET http://real.example:81/p?q=1 HTTP/1.1\r\nHost: other\r\n\r\n");
  const auto target = request_target(head);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->authority, "real.example:81");
  EXPECT_EQ(target->host, "real.example");
  EXPECT_EQ(target->origin, "/p?q=1");
  EXPECT_EQ(target->path, "/p");
  EXPECT_EQ(target->query, "q=1");
}

}  // namespace
}  // namespace passerelle::http1
