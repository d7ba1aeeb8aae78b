#include "protocol/message_head.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace passerelle {

std::optional<std::string_view> MessageHead::find(std::string_view wanted) const {
  for (const Field& field : fields) {
    if (equals_ignoring_case(name(field), wanted)) return value(field);
  }
  return std::nullopt;
}

std::size_t MessageHead::count(FieldId id) const {
  return may_have(id) ? static_cast<std::size_t>(std::ranges::count(fields, id, &Field::id)) : 0;
}

bool MessageHead::has_token(FieldId id, std::string_view token) const {
  return may_have(id) && std::ranges::any_of(fields, [&](const Field& field) {
           return field.id == id && list_has_token(value(field), token);
         });
}

MessageHead::Span MessageHead::append(std::string_view bytes) {
  const Span span{static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(bytes.size())};
  text += bytes;
  return span;
}

void MessageHead::set_request(std::string_view method_text, std::string_view target_text) {
  method_ = append(method_text);
  target_ = append(target_text);
}

void MessageHead::set_response(int status_code, std::string_view reason) {
  status = status_code;
  reason_ = append(reason);
}

void MessageHead::begin_copy(const MessageHead& other) {
  text = other.text;
  fields.clear();
  present_ = 0;
  method_ = other.method_;
  target_ = other.target_;
  reason_ = other.reason_;
  status = other.status;
  major_version = other.major_version;
  minor_version = other.minor_version;
}

void MessageHead::set(std::string_view wanted, std::string_view value_text) {
  bool found = false;
  std::erase_if(fields, [&](Field& field) {
    if (!equals_ignoring_case(name(field), wanted)) return false;
    if (std::exchange(found, true)) return true;
    set_value(field, value_text);
    return false;
  });
  if (!found) add(wanted, value_text);
}

void MessageHead::remove(std::string_view wanted) {
  std::erase_if(fields, [&](const Field& field) { return equals_ignoring_case(name(field), wanted); });
}

// As the line it will be on the wire: what is added in turn is then written in one piece.
void MessageHead::add(FieldId id, std::string_view name_text, std::string_view value_text) {
  add_lines(Lines::size_of(name_text, value_text.size()),
            [&](Lines& lines) { lines.add(id, name_text, value_text); });
}

}  // namespace passerelle
