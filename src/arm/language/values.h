// Makes, compares and converts the values expressions are computed with.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "arm/json_value.h"

namespace passerelle::arm {

[[nodiscard]] JsonValue make_null();
[[nodiscard]] JsonValue make_text(std::string text);
[[nodiscard]] JsonValue make_number(std::int64_t number);
[[nodiscard]] JsonValue make_boolean(bool value);
[[nodiscard]] JsonValue make_array(std::vector<JsonValue> items = {});
[[nodiscard]] JsonValue make_object();
void add_member(JsonValue& object, std::string key, JsonValue value);
void add_member(JsonValue& object, std::string key, std::string text);
// Replaces the member of that name, or adds it.
void set_member(JsonValue& object, const std::string& key, JsonValue value);

// ARM's integers are of 64 bits.
[[nodiscard]] std::optional<std::int64_t> as_integer(const JsonValue& value);

// Deep; the order of an object's members and the case of their names do not matter, the case of strings does.
[[nodiscard]] bool equal(const JsonValue& a, const JsonValue& b);

// How many nodes and bytes a copy of it takes, counted in nodes.
[[nodiscard]] std::size_t weight(const JsonValue& value);
[[nodiscard]] bool holds_secret(const JsonValue& value);

// Templates count characters, not bytes (UTF-8).
[[nodiscard]] std::size_t count_characters(std::string_view text);
[[nodiscard]] std::string characters(std::string_view text, std::size_t from, std::size_t count);

// As string() and concat() write it: "True", 12, or JSON.
[[nodiscard]] std::string to_text(const JsonValue& value);

// A value in a message: cut where it is long, masked where it is secret.
[[nodiscard]] std::string shown(const JsonValue& value);

}  // namespace passerelle::arm
