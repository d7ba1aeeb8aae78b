// Reads the typed properties of one element; whatever is wrong is reported where it stands, with what to
// write.
#pragma once

#include <optional>
#include <string>

#include "arm/resource.h"

namespace passerelle::arm {

// What an id "…/applicationGateways/GATEWAY/COLLECTION/NAME" names.
struct ItemReference {
  std::string name;
  std::string gateway;  // empty where the id does not say it
};

// A value for the time of one element.
class PropertyReader {
 public:
  PropertyReader(const Item& item, ProblemList& problems) : item_(item), problems_(problems) {}

  // The evaluated value; null when absent, null, or its evaluation failed (reported).
  [[nodiscard]] const JsonValue* value(std::string_view name) const;
  [[nodiscard]] bool failed(std::string_view name) const;  // present, but could not be evaluated
  [[nodiscard]] std::optional<std::string> string(std::string_view name) const;
  // The same, where it is not empty: templates write "" where there is nothing.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::optional<bool> boolean(std::string_view name) const;
  // Reports a number outside of low..high, and what is none.
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view name, std::uint32_t low,
                                                    std::uint32_t high) const;

  // The element of `collection` that the reference `name` is for, as written in its id. Repairs (with a
  // warning) what documentation pages do to ids; reports a missing one if `required`.
  [[nodiscard]] std::optional<ItemReference> reference(std::string_view name, std::string_view collection,
                                                       bool required) const;

  // The same for each element of a list of references.
  [[nodiscard]] std::vector<std::pair<Item, ItemReference>> references(std::string_view name,
                                                                       std::string_view collection) const;

  // A reader of the object inside, if there is one.
  [[nodiscard]] std::optional<Item> inner(std::string_view name) const;

  void error(std::string_view name, std::string code, std::string message) const;
  void warning(std::string_view name, std::string code, std::string message) const;
  [[nodiscard]] Position where(std::string_view name) const;
  [[nodiscard]] const Item& item() const { return item_; }

 private:
  [[nodiscard]] std::optional<ItemReference> reference_in(const Item& object, std::string_view what,
                                                          std::string_view collection) const;
  [[nodiscard]] std::string path(std::string_view name) const {
    return item_.path.empty() ? std::string(name) : item_.path + "." + std::string(name);
  }
  const Item& item_;
  ProblemList& problems_;
};

// The elements of a list within an element: { "name", "properties": { … } }, or flattened.
[[nodiscard]] std::vector<Item> inner_items(const Item& outer, std::string_view name, ProblemList& problems);

}  // namespace passerelle::arm
