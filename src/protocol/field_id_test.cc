#include "protocol/field_id.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace passerelle {
namespace {

TEST(FieldId, KnowsItsNamesInEitherCase) {
  for (const std::string_view name : {"TE",
                                      "Host",
                                      "Date",
                                      "Cookie",
                                      "Expect",
                                      "Origin",
                                      "Server",
                                      "Trailer",
                                      "Upgrade",
                                      "Connection",
                                      "Keep-Alive",
                                      "Set-Cookie",
                                      "User-Agent",
                                      "Content-Type",
                                      "Content-Length",
                                      "HTTP2-Settings",
                                      "X-Forwarded-For",
                                      "X-Original-URL",
                                      "X-Original-Host",
                                      "X-AppGW-Trace-Id",
                                      "X-Forwarded-Port",
                                      "X-Forwarded-Proto",
                                      "Transfer-Encoding",
                                      "Sec-WebSocket-Key",
                                      "Proxy-Authenticate",
                                      "Proxy-Connection",
                                      "Proxy-Authorization",
                                      "Sec-WebSocket-Accept",
                                      "Sec-WebSocket-Version",
                                      "Sec-WebSocket-Protocol",
                                      "Sec-WebSocket-Extensions"}) {
    EXPECT_NE(field_id(name), FieldId::other) << name;
    EXPECT_EQ(field_id(name), field_id(lowered(name))) << name;
  }
  EXPECT_EQ(field_id("hOsT"), FieldId::host);
  EXPECT_EQ(field_id("x-forwarded-for"), FieldId::x_forwarded_for);
}

TEST(FieldId, TakesNoNameForAnother) {
  const std::string known = "transfer-encoding";
  for (std::size_t i = 0; i < known.size(); ++i) {
    std::string near = known;
    near[i] = near[i] == 'q' ? 'z' : 'q';
    EXPECT_EQ(field_id(near), FieldId::other) << near;
  }
  for (const std::string_view name : {"", "x", "tf", "hos", "hosts", "_host", "content_length",
                                      "x-forwarded-fox", "sec-websocket-extensionsx"})
    EXPECT_EQ(field_id(name), FieldId::other) << name;
}

TEST(FieldId, KnowsTheTwinsThatOtherSeparatorsMake) {
  EXPECT_EQ(twin_field_id("X_Forwarded.For"), FieldId::x_forwarded_for);
  EXPECT_EQ(twin_field_id("X-Forwarded-For"), FieldId::other);
}

}  // namespace
}  // namespace passerelle
