// Array and object functions; many take strings too.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "arm/language/functions.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using Kind = JsonValue::Kind;

JsonValue array(FunctionCall& call) {
  if (call[0].is(Kind::array)) return call[0];
  return make_array({call[0]});
}

JsonValue create_array(FunctionCall& call) {
  JsonValue out = make_array();
  for (std::size_t i = 0; i < call.count(); ++i) out.items.push_back(call[i]);
  return out;
}

JsonValue create_object(FunctionCall& call) {
  if (call.count() % 2 != 0) return call.fail("it takes names and values in turn");
  JsonValue out = make_object();
  for (std::size_t i = 0; i < call.count(); i += 2) set_member(out, call.text(i), call[i + 1]);
  return out;
}

JsonValue concat(FunctionCall& call) {
  if (call.count() > 0 && call[0].is(Kind::array)) {
    JsonValue out = make_array();
    for (std::size_t i = 0; i < call.count(); ++i) {
      const auto& items = call.array(i).items;
      out.items.insert(out.items.end(), items.begin(), items.end());
    }
    return out;
  }
  std::string text;
  for (std::size_t i = 0; i < call.count(); ++i) {
    if (call[i].is(Kind::array) || call[i].is(Kind::object)) return call.wrong(i, "a string");
    text += to_text(call[i]);
    if (text.size() > function_bytes_max)
      return call.fail(fmt::format("its result is longer than {} bytes", function_bytes_max));
  }
  return make_text(std::move(text));
}

bool contains_value(const JsonValue& container, const JsonValue& wanted) {
  if (container.is_object()) return container.find(to_text(wanted)) != nullptr;
  if (container.is(Kind::array))
    return std::ranges::any_of(container.items, [&](const JsonValue& item) { return equal(item, wanted); });
  return container.text.find(to_text(wanted)) != std::string::npos;
}

JsonValue contains(FunctionCall& call) {
  if (!call[0].is_object() && !call[0].is(Kind::array) && !call[0].is_string())
    return call.wrong(0, "an array, an object or a string");
  return make_boolean(contains_value(call[0], call[1]));
}

JsonValue empty(FunctionCall& call) {
  return make_boolean(call[0].is(Kind::null) || (call[0].text.empty() && call[0].items.empty() &&
                                                 call[0].members.empty() && !call[0].is(Kind::boolean)));
}

JsonValue length(FunctionCall& call) {
  if (call[0].is(Kind::array)) return make_number(static_cast<std::int64_t>(call[0].items.size()));
  if (call[0].is_object()) return make_number(static_cast<std::int64_t>(call[0].members.size()));
  return make_number(static_cast<std::int64_t>(count_characters(call.text(0))));
}

JsonValue first(FunctionCall& call) {
  if (call[0].is(Kind::array)) return call[0].items.empty() ? make_null() : call[0].items.front();
  const std::string& text = call.text(0);
  return make_text(characters(text, 0, 1));
}

JsonValue last(FunctionCall& call) {
  if (call[0].is(Kind::array)) return call[0].items.empty() ? make_null() : call[0].items.back();
  const std::string& text = call.text(0);
  const std::size_t count = count_characters(text);
  return make_text(characters(text, count == 0 ? 0 : count - 1, 1));
}

// The part [from, to) of an array or a string; numbers beyond the ends are cut.
JsonValue part(FunctionCall& call, bool skipped) {
  const std::int64_t wanted = std::max<std::int64_t>(0, call.integer(1));
  const auto size = static_cast<std::int64_t>(call[0].is(Kind::array) ? call[0].items.size()
                                                                      : count_characters(call.text(0)));
  const auto at = std::min(wanted, size);
  const auto from = skipped ? at : 0;
  const auto to = skipped ? size : at;
  if (call[0].is(Kind::array)) {
    return make_array({call[0].items.begin() + from, call[0].items.begin() + to});
  }
  return make_text(
      characters(call[0].text, static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
}

JsonValue skip(FunctionCall& call) { return part(call, true); }
JsonValue take(FunctionCall& call) { return part(call, false); }

JsonValue flatten(FunctionCall& call) {
  JsonValue out = make_array();
  for (const auto& item : call.array(0).items) {
    if (!item.is(Kind::array)) return call.fail("it takes an array of arrays");
    out.items.insert(out.items.end(), item.items.begin(), item.items.end());
  }
  return out;
}

JsonValue range(FunctionCall& call) {
  const auto start = call.integer(0);
  const auto count = call.integer(1);
  if (count < 0 || count > range_count_max || start > std::numeric_limits<std::int32_t>::max() ||
      start < std::numeric_limits<std::int32_t>::min())
    return call.fail(fmt::format("it takes a start and a count from 0 to {}", range_count_max));
  JsonValue out = make_array();
  for (std::int64_t i = 0; i < count; ++i) out.items.push_back(make_number(start + i));
  return out;
}

void merge_into(JsonValue& out, const JsonValue& other, bool deep) {
  for (const auto& member : other.members) {
    JsonMember* mine = nullptr;
    for (auto& candidate : out.members) {
      if (equals_ignoring_case(candidate.key, member.key)) mine = &candidate;
    }
    if (mine == nullptr)
      out.members.push_back(member);
    else if (deep && mine->value.is_object() && member.value.is_object())
      merge_into(mine->value, member.value, deep);
    else
      mine->value = JsonValue(member.value);
  }
}

// Equal values have equal keys.
std::string sort_key(const JsonValue& value) {
  return fmt::format("{}{}", static_cast<int>(value.kind), to_json(value));
}

JsonValue union_of(FunctionCall& call) {
  if (call[0].is_object()) {
    JsonValue out = call[0];
    for (std::size_t i = 1; i < call.count(); ++i) merge_into(out, call.object(i), true);
    return out;
  }
  JsonValue out = make_array();
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < call.count(); ++i) {
    for (const auto& item : call.array(i).items) {
      if (seen.insert(sort_key(item)).second) out.items.push_back(item);
    }
  }
  return out;
}

JsonValue intersection(FunctionCall& call) {
  JsonValue out = call[0].is_object() ? make_object() : make_array();
  const auto in_all = [&](auto test) {
    for (std::size_t i = 1; i < call.count(); ++i) {
      if (!test(call[i])) return false;
    }
    return true;
  };
  if (call[0].is_object()) {
    for (const auto& member : call[0].members) {
      if (in_all([&](const JsonValue& other) {
            const JsonValue* found = other.find(member.key);
            return found != nullptr && equal(*found, member.value);
          }))
        out.members.push_back(member);
    }
    return out;
  }
  std::unordered_map<std::string, std::size_t> lists;  // how many of the lists hold it
  for (std::size_t i = 0; i < call.count(); ++i) {
    for (const auto& item : call.array(i).items) {
      auto& count = lists[sort_key(item)];
      if (count == i) ++count;
    }
  }
  for (const auto& item : call.array(0).items) {
    auto& count = lists[sort_key(item)];
    if (count == call.count()) out.items.push_back(item);
    count = 0;  // once
  }
  return out;
}

JsonValue shallow_merge(FunctionCall& call) {
  JsonValue out = make_object();
  for (const auto& item : call.array(0).items) {
    if (!item.is_object()) return call.fail("it takes an array of objects");
    merge_into(out, item, false);
  }
  return out;
}

JsonValue items(FunctionCall& call) {
  std::vector<const JsonMember*> sorted;
  for (const auto& member : call.object(0).members) sorted.push_back(&member);
  std::ranges::sort(sorted, {}, &JsonMember::key);
  JsonValue out = make_array();
  for (const JsonMember* member : sorted) {
    JsonValue pair = make_object();
    add_member(pair, "key", member->key);
    add_member(pair, "value", member->value);
    out.items.push_back(std::move(pair));
  }
  return out;
}

JsonValue object_keys(FunctionCall& call) {
  std::vector<std::string> keys;
  for (const auto& member : call.object(0).members) keys.push_back(member.key);
  std::ranges::sort(keys);
  JsonValue out = make_array();
  for (auto& key : keys) out.items.push_back(make_text(std::move(key)));
  return out;
}

const JsonValue* step(const JsonValue& value, const JsonValue& key) {
  if (value.is_object() && key.is_string()) return value.find(key.text);
  const auto index = as_integer(key);
  if (!value.is(Kind::array) || !index || *index < 0 ||
      *index >= static_cast<std::int64_t>(value.items.size()))
    return nullptr;
  return &value.items[static_cast<std::size_t>(*index)];
}

JsonValue try_get(FunctionCall& call) {
  const JsonValue* at = &call[0];
  for (std::size_t i = 1; i < call.count() && at != nullptr; ++i) at = step(*at, call[i]);
  return at != nullptr ? *at : make_null();
}

JsonValue from_end(FunctionCall& call, bool must) {
  const auto& list = call.array(0).items;
  const auto back = call.integer(1);
  if (back >= 1 && back <= static_cast<std::int64_t>(list.size())) return *(list.end() - back);
  return must ? call.fail(fmt::format("the array has no element {} from its end", back)) : make_null();
}

JsonValue index_from_end(FunctionCall& call) { return from_end(call, true); }
JsonValue try_index_from_end(FunctionCall& call) { return from_end(call, false); }

constexpr std::array functions = {
    Function{"array", 1, 1, array},
    Function{"concat", 1, Function::any, concat},
    Function{"contains", 2, 2, contains},
    Function{"createArray", 0, Function::any, create_array},
    Function{"createObject", 0, Function::any, create_object},
    Function{"empty", 1, 1, empty},
    Function{"first", 1, 1, first},
    Function{"flatten", 1, 1, flatten},
    Function{"indexFromEnd", 2, 2, index_from_end},
    Function{"intersection", 2, Function::any, intersection},
    Function{"items", 1, 1, items},
    Function{"last", 1, 1, last},
    Function{"length", 1, 1, length},
    Function{"objectKeys", 1, 1, object_keys},
    Function{"range", 2, 2, range},
    Function{"shallowMerge", 1, 1, shallow_merge},
    Function{"skip", 2, 2, skip},
    Function{"take", 2, 2, take},
    Function{"tryGet", 2, Function::any, try_get},
    Function{"tryIndexFromEnd", 2, 2, try_index_from_end},
    Function{"union", 1, Function::any, union_of},
};

}  // namespace

std::span<const Function> collection_functions() { return functions; }

}  // namespace passerelle::arm
