#pragma once
// Recorded frames of the wire module's vectors (made by jraft-core 1.3.15).

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/json.h"

namespace sofa::raft::testing {

struct Frame {
  std::string name{}, type{}, body{};
  static auto describe(Description<Frame>& d) {
    d.field("name", &Frame::name);
    d.field("class", &Frame::type);
    d.field("bodyHex", &Frame::body);
  }
  Bytes bytes() const {
    std::vector<uint8_t> out;
    EXPECT_TRUE(from_hex(body, out)) << body;
    return Bytes::copy_of(out);
  }
};

inline std::vector<Frame> recorded() {
  std::ifstream in("../../../wire/jraft/tests/vectors/frames.json");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  auto all = from_json<std::vector<Frame>>(text, {.source = "frames.json", .ignore_unknown = true, .null_is_default = true});
  EXPECT_TRUE(all) << all.error().to_string();
  return all ? std::move(*all) : std::vector<Frame>();
}

inline Frame frame_of(const std::string& name) {
  for (Frame& frame : recorded()) {
    if (frame.name == name) return frame;
  }
  ADD_FAILURE() << "no frame " << name << " was recorded";
  return {};
}

}  // namespace sofa::raft::testing
