#include "policy/decision/forward.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/head_writer.h"
#include "protocol/http1/request_target.h"

namespace passerelle::policy {
namespace {

MessageHead request(std::string_view target, std::string_view host) {
  MessageHead head;
  head.set_request("GET", target);
  head.add("Host", host);
  return head;
}

std::string forwarded(const MessageHead& head, const ForwardFacts& facts) {
  MessageHead made;
  make_request(made, head, *http1::request_target(head), *http1::request_framing(head, Limits{}), facts);
  std::string out;
  http1::append_request_head(out, made);
  return out;
}

TEST(Forward, ARequestCarriesWhoAskedAndForWhat) {
  MessageHead head = request("/a?b", "shop.example:8080");
  head.add("Accept", "*/*");
  head.add("X-Forwarded-For", "198.51.100.7");
  head.add("X-Forwarded-For", "");
  head.add("X-Forwarded-For", "203.0.113.9:1");
  EXPECT_EQ(forwarded(head, {"192.0.2.1", 1234, true, 443, "0123456789abcdef0123456789abcdef", false}),
            "GET /a?b HTTP/1.1\r\nHost: shop.example:8080\r\nAccept: */*\r\n"
            "X-Forwarded-For: 198.51.100.7, 203.0.113.9:1, 192.0.2.1:1234\r\nX-Forwarded-Proto: https\r\n"
            "X-Forwarded-Port: 443\r\nX-Original-Host: shop.example:8080\r\nX-Original-URL: /a?b\r\n"
            "X-AppGW-Trace-Id: 0123456789abcdef0123456789abcdef\r\n\r\n");
}

// The room for them is summed up before they are written.
TEST(Forward, OurOwnFieldsFitHoweverMuchTheyAreMadeOf) {
  const std::string target = "/" + std::string(8000, 't'), host(250, 'h'), trace(32, 'f');
  const std::string ip = "2001:db8:1111:2222:3333:4444:5555:6666";
  MessageHead head = request(target, host);
  std::string list;
  for (int i = 0; i < 150; ++i) {
    head.add("X-Forwarded-For", "a");
    list += "a, ";
  }
  EXPECT_EQ(forwarded(head, {ip, 65535, true, 65535, trace, false}),
            "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-For: " + list + "[" + ip +
                "]:65535\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 65535\r\nX-Original-Host: " + host +
                "\r\nX-Original-URL: " + target + "\r\nX-AppGW-Trace-Id: " + trace + "\r\n\r\n");
}

}  // namespace
}  // namespace passerelle::policy
