#pragma once
// Any bytes as a Hessian stream: an error, or values that are the same after another encoding and decoding.
#include "must.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {

using fuzz::must;

struct FuzzNode {
  std::string name;
  std::map<std::string, Value> attributes;
  std::vector<int64_t> numbers;
  Link<FuzzNode> next;
  std::vector<FuzzNode> children;
  std::shared_ptr<FuzzNode> shared;
  static auto describe(Description<FuzzNode>& d) {
    d.java_type("f.Node");
    d.field("name", &FuzzNode::name);
    d.field("attributes", &FuzzNode::attributes);
    d.field("numbers", &FuzzNode::numbers);
    d.field("next", &FuzzNode::next);
    d.field("children", &FuzzNode::children);
    d.field("shared", &FuzzNode::shared);
  }
};

inline void check(ByteSpan input, Dialect dialect) {
  const ReaderOptions options{.dialect = dialect, .limits = {.memory = 64 << 20, .copies = 10000}};
  (void)decode<Graph<FuzzNode>>(input, options);
  Reader skipping(input, options);
  const bool skipped = skipping.skip().has_value();
  Reader reader(input, options);
  auto value = reader.read_value();
  if (!value) {
    fuzz::must_say_why(value);
    return;
  }
  must(skipped && skipping.offset() == reader.offset());
  (void)to_text(*value, 1000);
  const WriterOptions peer{.dialect = dialect};
  auto bytes = encode(*value, peer);
  must(bytes.has_value());
  Reader second(*bytes, options);
  auto again = second.read_value();
  must(again.has_value() && second.at_end() && same_shape(*value, *again));
  auto stable = encode(*again, peer);
  must(stable.has_value() && *stable == *bytes);
}

}  // namespace sofa::hessian
