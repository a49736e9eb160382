// JSON to a described object and back: what is read is written, and read again it is written the same; what is refused has a sentence.
#include <map>
#include <optional>

#include "must.h"
#include "sofa/base/json.h"

namespace {

using namespace sofa;
using fuzz::must;

enum class Color : uint8_t { red, green };

struct Inner {
  int8_t small = 0;
  uint64_t large = 0;
  double real = 0;
  static auto describe(Description<Inner>& d) {
    d.field("small", &Inner::small);
    d.field("large", &Inner::large);
    d.field("real", &Inner::real);
  }
};

struct Outer {
  std::string text;
  bool flag = false;
  int32_t number = 0;
  std::optional<int64_t> maybe;
  std::vector<Inner> list;
  std::map<std::string, std::vector<int32_t>> table;
  static auto describe(Description<Outer>& d) {
    d.field("text", &Outer::text);
    d.field("flag", &Outer::flag);
    d.field("number", &Outer::number);
    d.field("maybe", &Outer::maybe);
    d.field("list", &Outer::list);
    d.field("table", &Outer::table);
  }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = from_json<Outer>(text);
  if (!read) {
    fuzz::must_say_why(read);
    return 0;
  }
  const auto written = to_json(*read);
  must(written.has_value());
  const auto again = from_json<Outer>(*written);
  must(again.has_value());
  must(to_json(*again) == *written);
  return 0;
}
