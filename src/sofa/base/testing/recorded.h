#pragma once
// For tests: what the original libraries sent each other, recorded: one JSON object a line, request and response bytes as hex.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/json.h"

namespace sofa {

/// A line, of an exchange or (`hex`) of one value; the bytes are hex digits.
struct RecordedText {
  std::string protocol, name, call, result, request, response, hex;
  static auto describe(Description<RecordedText>& d) {
    d.field("protocol", &RecordedText::protocol);
    d.field("name", &RecordedText::name);
    d.field("call", &RecordedText::call);
    d.field("result", &RecordedText::result);
    d.field("request", &RecordedText::request);
    d.field("response", &RecordedText::response);
    d.field("hex", &RecordedText::hex);
  }
};

/// All lines of the file at `path`; the tests run in the folder that they are in.
inline std::vector<RecordedText> read_recorded_text(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path << " cannot be read";
  std::vector<RecordedText> all;
  for (std::string line; std::getline(in, line);) {
    auto one = from_json<RecordedText>(line, {.source = path, .ignore_unknown = true, .null_is_default = true});
    EXPECT_TRUE(one) << one.error().to_string();
    if (one) all.push_back(std::move(*one));
  }
  EXPECT_FALSE(all.empty()) << path;
  return all;
}

struct Recorded {
  std::string protocol, name;
  std::vector<uint8_t> request, response;
};

/// All lines of `vectors/<file>`.
inline std::vector<Recorded> read_recorded(const std::string& file) {
  std::vector<Recorded> all;
  for (const RecordedText& text : read_recorded_text("vectors/" + file)) {
    Recorded one{text.protocol, text.name, {}, {}};
    EXPECT_TRUE(from_hex(text.request, one.request) && from_hex(text.response, one.response)) << text.name << " has digits that are no hex";
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace sofa
