#include "protocol/http2/request_head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace passerelle::http2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Read {
  explicit Read(const Fields& fields, bool ended = true) {
    RequestHead request;
    request.begin(head);
    for (const auto& [name, value] : fields) request.add(name, value, Limits{});
    kind = request.finish(ended);
  }
  [[nodiscard]] int status() const { return kind ? 0 : kind.error().status; }
  MessageHead head;
  Parsed<RequestHead::Kind> kind;
};

Fields request(const std::string& changed = {}, const std::string& value = {}) {
  Fields out = {{":method", "GET"}, {":scheme", "https"}, {":authority", "gw.test"}, {":path", "/a"}};
  for (auto& field : out) {
    if (field.first == changed) field.second = value;
  }
  return out;
}

Fields with(Fields fields, std::string name, std::string value) {
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

TEST(Http2RequestHead, IsTheHeadHttp11WouldHaveHad) {
  Read read(with(with(request(), "cookie", "a=1"), "cookie", "b=2"));
  ASSERT_TRUE(read.kind);
  EXPECT_TRUE(read.kind->ended);
  EXPECT_EQ(read.head.method(), "GET");
  EXPECT_EQ(read.head.target(), "/a");
  EXPECT_EQ(read.head.version(), "HTTP/2.0");
  EXPECT_EQ(read.head.find(FieldId::host), "gw.test");
  EXPECT_EQ(read.head.find(FieldId::cookie), "a=1; b=2");
  EXPECT_EQ(read.head.fields.size(), 2U);
}

TEST(Http2RequestHead, ABodyWithoutALengthIsChunked) {
  EXPECT_EQ(Read(request(":method", "POST"), false).head.find(FieldId::transfer_encoding), "chunked");
  EXPECT_FALSE(Read(with(request(), "content-length", "5"), false).head.find(FieldId::transfer_encoding));
  EXPECT_FALSE(Read(request(), true).head.find(FieldId::transfer_encoding));
}

TEST(Http2RequestHead, AnExtendedConnectIsTheHandshakeItStandsForWithoutAKey) {
  const Read read(
      with(with(request(":method", "CONNECT"), ":protocol", "websocket"), "sec-websocket-key", "x"), false);
  ASSERT_TRUE(read.kind);
  EXPECT_TRUE(read.kind->websocket);
  EXPECT_EQ(read.head.method(), "GET");
  EXPECT_EQ(read.head.find(FieldId::upgrade), "websocket");
  EXPECT_EQ(read.head.find(FieldId::connection), "Upgrade");
  EXPECT_FALSE(read.head.find(FieldId::sec_websocket_key));
}

TEST(Http2RequestHead, RefusesWhatCannotBeCarried) {
  EXPECT_EQ(Read(with(request(":method", "CONNECT"), ":protocol", "connect-udp"), false).status(), 501);
  EXPECT_EQ(Read(with(request(":method", "CONNECT"), ":protocol", "websocket"), true).status(), 400);
  for (const auto& [name, value] : Fields{
           {":path", "/a b"}, {":path", "/a#b"}, {":method", "G T"}, {":method", ""}, {":scheme", "gopher"}})
    EXPECT_EQ(Read(request(name, value)).status(), 400) << name << value;
  EXPECT_EQ(Read(with(request(), "host", "other.test")).status(), 400);
  EXPECT_EQ(Read(with(with(request(), "host", "gw.test"), "host", "gw.test")).status(), 400);
  EXPECT_EQ(Read(with(request(), "x", "a\nb")).status(), 400);
  EXPECT_EQ(Read(with(request(), "a b", "x")).status(), 400);
  EXPECT_EQ(Read(with(request(), ":unknown", "x")).status(), 400);
}

TEST(Http2RequestHead, HostMayRepeatTheAuthorityOrStandAlone) {
  EXPECT_EQ(Read(with(request(), "host", "GW.test")).head.find(FieldId::host), "GW.test");
  EXPECT_EQ(Read(with(request(":authority", ""), "host", "gw.test")).head.find(FieldId::host), "gw.test");
}

TEST(Http2RequestHead, RefusesFieldsThatAreTooLongOrTooMany) {
  EXPECT_EQ(Read(with(request(), "x", std::string(8191, 'a'))).status(), 0);
  EXPECT_EQ(Read(with(request(), "x", std::string(8192, 'a'))).status(), 431);
  const Read two(with(with(request(), "x", std::string(8000, 'a')), "y", std::string(8300, 'b')));
  EXPECT_EQ(two.status(), 431);
  Fields many = request();
  for (int i = 0; i < 201; ++i) many.emplace_back("x", "");
  EXPECT_EQ(Read(many).status(), 431);
}

}  // namespace
}  // namespace passerelle::http2
