#pragma once
// For tests: what the original libraries sent each other, recorded: one JSON object a line, request and response bytes as hex.

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"

namespace sofa {

struct Recorded {
  std::string protocol, name;
  std::vector<uint8_t> request, response;
};

namespace detail {

inline std::string field_of_recorded(const std::string& line, const std::string& field) {
  const size_t key = line.find("\"" + field + "\":");
  if (key == std::string::npos) return {};
  const size_t open = line.find('"', key + field.size() + 3);
  return line.substr(open + 1, line.find('"', open + 1) - open - 1);
}

}  // namespace detail

/// All lines of `vectors/<file>`; the tests run in the folder that holds it.
inline std::vector<Recorded> read_recorded(const std::string& file) {
  std::vector<Recorded> all;
  std::ifstream in("vectors/" + file);
  EXPECT_TRUE(in) << "vectors/" << file << " cannot be read";
  for (std::string line; std::getline(in, line);) {
    const auto field = [&line](const char* name) { return detail::field_of_recorded(line, name); };
    Recorded one{field("protocol"), field("name"), {}, {}};
    if (!from_hex(field("request"), one.request) || !from_hex(field("response"), one.response)) one.name += " (bad hex)";
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace sofa
