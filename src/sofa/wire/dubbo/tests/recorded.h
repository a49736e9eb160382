#pragma once
// The recorded calls between Dubbo's Java client and server: one JSON object a line, request and response bytes as hex.

#include <fstream>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"

namespace sofa::dubbo {

struct Recorded {
  std::string name;
  std::vector<uint8_t> request, response;
};

inline std::string field_of(const std::string& line, const std::string& field) {
  const size_t key = line.find("\"" + field + "\":");
  if (key == std::string::npos) return {};
  const size_t open = line.find('"', key + field.size() + 3);
  return line.substr(open + 1, line.find('"', open + 1) - open - 1);
}

/// All lines; the tests run in the folder that holds `vectors`.
inline std::vector<Recorded> read_recorded() {
  std::vector<Recorded> all;
  std::ifstream in("vectors/dubbo-frames.jsonl");
  for (std::string line; std::getline(in, line);) {
    Recorded one{field_of(line, "name"), {}, {}};
    if (!from_hex(field_of(line, "request"), one.request) || !from_hex(field_of(line, "response"), one.response)) one.name += " (bad hex)";
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace sofa::dubbo
