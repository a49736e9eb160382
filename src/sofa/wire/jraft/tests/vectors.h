#pragma once
// The recorded vectors (tests/vectors, made by jraft-core 1.3.15): lists of objects whose members are all texts.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/json.h"

namespace sofa::jraft {

using Vector = std::map<std::string, std::string>;

/// One recorded frame.
struct RecordedFrame {
  std::string name, kind, type, body, header, decoded, frame;
  int64_t codec = 0, timeout = 0;
  static auto describe(Description<RecordedFrame>& d) {
    d.field("name", &RecordedFrame::name);
    d.field("kind", &RecordedFrame::kind);
    d.field("class", &RecordedFrame::type);
    d.field("bodyHex", &RecordedFrame::body);
    d.field("headerHex", &RecordedFrame::header);
    d.field("decoded", &RecordedFrame::decoded);
    d.field("frameHex", &RecordedFrame::frame);
    d.field("codec", &RecordedFrame::codec);
    d.field("timeoutMs", &RecordedFrame::timeout);
  }
};

template <class T>
std::vector<T> read_vectors(const std::string& file) {
  std::ifstream in("vectors/" + file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  auto all = from_json<std::vector<T>>(text, {.source = file, .ignore_unknown = true, .null_is_default = true});
  EXPECT_TRUE(all) << all.error().to_string();
  return all ? std::move(*all) : std::vector<T>();
}

inline Bytes bytes_of(const std::string& hex) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return Bytes::copy_of(bytes);
}

inline std::string hex_of(ByteSpan bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace sofa::jraft
