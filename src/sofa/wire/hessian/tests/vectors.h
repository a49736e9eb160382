#pragma once
// The recorded vectors, one value a line (docs/protocols/hessian.md, section 6).

#include <boost/json.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"

namespace sofa::hessian {

struct Vector {
  std::string name, hex, head, tail, write_error;
  size_t length = 0;
  uint32_t crc32 = 0;
  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> raw;
    from_hex(hex, raw);
    return raw;
  }
};

inline std::vector<Vector> load_vectors(const std::string& file) {
  std::vector<Vector> vectors;
  std::ifstream in("vectors/" + file);
  for (std::string line; std::getline(in, line);) {
    const auto parsed = boost::json::parse(line);
    const auto& object = parsed.as_object();
    auto text = [&](const char* key) { return object.contains(key) ? std::string(object.at(key).as_string()) : std::string(); };
    Vector v{text("name"), text("hex"), text("hex_head"), text("hex_tail"), text("write_error")};
    if (object.contains("length")) v.length = static_cast<size_t>(object.at("length").as_int64());
    if (object.contains("crc32")) v.crc32 = static_cast<uint32_t>(object.at("crc32").as_int64());
    vectors.push_back(std::move(v));
  }
  return vectors;
}

}  // namespace sofa::hessian
