#include "arm/known_properties.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

namespace passerelle::arm {
namespace {

TEST(KnownProperties, EveryDefinitionIsReachedAndNamedOnce) {
  std::set<std::string_view> names, reached = {""};
  for (const Definition& definition : definitions()) {
    EXPECT_TRUE(names.insert(definition.name).second) << definition.name;
    std::set<std::string_view> properties;
    for (const KnownProperty& property : definition.properties) {
      EXPECT_TRUE(properties.insert(property.name).second) << definition.name << "." << property.name;
      if (!property.inside.empty()) reached.insert(property.inside);
      if (definition.name.empty() && property.effect != Effect::honoured &&
          property.effect != Effect::read_only)
        EXPECT_FALSE(property.note.empty()) << property.name << ": say why";
    }
  }
  EXPECT_EQ(names, reached);
}

TEST(KnownProperties, ThePageIsWhatTheTableSays) {
  const std::string path = "docs/configuration/properties.md";  // tests run at the repository's root
  if (std::getenv("PASSERELLE_WRITE_PAGES") != nullptr) std::ofstream(path) << properties_page();
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_TRUE(text == properties_page()) << "run ./dev pages";
}

}  // namespace
}  // namespace passerelle::arm
