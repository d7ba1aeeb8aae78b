// Which origins a listener takes WebSockets from.
#include "model/keepers.h"

#include <gtest/gtest.h>

namespace passerelle::model {
namespace {

TEST(AllowedOrigins, AreWholeOriginsOrEverythingBelowAName) {
  const std::vector<std::string> allowed = {"https://app.contoso.com", "https://*.fabrikam.com:8443"};
  for (const char* origin : {"https://app.contoso.com", "HTTPS://APP.CONTOSO.COM",
                             "https://a.fabrikam.com:8443", "https://a.b.fabrikam.com:8443"})
    EXPECT_TRUE(is_allowed_origin(allowed, origin)) << origin;
  for (const char* origin :
       {"http://app.contoso.com", "https://app.contoso.com:444", "https://app.contoso.com.evil.test", "null",
        "", "https://fabrikam.com:8443", "https://.fabrikam.com:8443", "https://evilfabrikam.com:8443",
        "https://a.fabrikam.com", "http://a.fabrikam.com:8443"})
    EXPECT_FALSE(is_allowed_origin(allowed, origin)) << origin;
}

TEST(AllowedOrigins, ConcernOnlyWhoeverHasOneAndListenersThatNameSome) {
  EXPECT_TRUE(is_allowed_origin({}, "https://anywhere.test"));
  EXPECT_TRUE(is_allowed_origin({"https://app.contoso.com"}, std::nullopt));
}

}  // namespace
}  // namespace passerelle::model
