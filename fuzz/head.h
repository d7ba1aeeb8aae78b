// A head parsed whole and in pieces must come to the same.
#pragma once

#include <string>

#include "fuzz/pieces.h"
#include "protocol/http1/head_parser.h"

namespace passerelle::fuzz {

struct ParsedHead {
  int status = -1;  // 0 complete, -1 incomplete, else the refusal's
  std::size_t consumed = 0;
  MessageHead head;
};

inline ParsedHead parse(http1::HeadKind kind, const std::vector<std::string_view>& pieces) {
  ParsedHead out;
  http1::HeadParser parser(kind);
  for (const auto piece : pieces) {
    const auto progress = parser.feed(piece, Limits{}, out.head);
    if (!progress) {
      out.status = progress.error().status;
      return out;
    }
    out.consumed += progress->consumed;
    if (progress->complete) {
      out.status = 0;
      return out;
    }
  }
  return out;
}

inline ParsedHead parse_both_ways(http1::HeadKind kind, std::string_view input) {
  ParsedHead whole = parse(kind, {input});
  const ParsedHead cut = parse(kind, pieces_of(input));
  must(whole.status == cut.status);
  if (whole.status == 0) {
    must(whole.consumed == cut.consumed);
    must(whole.head.text == cut.head.text);
    must(whole.head.fields.size() == cut.head.fields.size());
  }
  return whole;
}

}  // namespace passerelle::fuzz
