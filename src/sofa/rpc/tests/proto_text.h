#pragma once

#include <cstring>
#include <string>

namespace sofa::rpc::testing {

/// As a message of protobuf: its bytes are the text itself.
struct ProtoText {
  std::string text;
  bool ParseFromArray(const void* from, int size) { return text.assign(static_cast<const char*>(from), static_cast<size_t>(size)), true; }
  bool SerializeToArray(void* to, int size) const { return std::memcpy(to, text.data(), static_cast<size_t>(size)), true; }
  size_t ByteSizeLong() const { return text.size(); }
  std::string GetTypeName() const { return "test.ProtoText"; }
};

}  // namespace sofa::rpc::testing
