#include <gtest/gtest.h>
#include <zlib.h>

#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"
#include "vectors.h"

namespace sofa::hessian {
namespace {

struct Recorded {
  const char* file;
  size_t count;
  Dialect dialect;
  Family family;
};
constexpr Recorded kFiles[] = {{"hessian-sofa-3.5.5.jsonl", 233, Dialect::h3, Family::sofa},
                               {"hessian-sofa-4.0.4.jsonl", 227, Dialect::h4, Family::sofa},
                               {"hessian-dubbo-lite-4.0.3.jsonl", 227, Dialect::h4, Family::dubbo}};

/// Every value of the bytes, decoded without types and encoded again in one stream.
Result<std::string> again(ByteSpan bytes, const Recorded& recorded) {
  Reader reader(bytes, {.dialect = recorded.dialect});
  Buffer buffer;
  Writer writer(buffer, {.dialect = recorded.dialect, .family = recorded.family});
  std::vector<Value> values;
  while (!reader.at_end()) {
    auto value = reader.read_value();
    if (!value) return forward_error(value);
    if (auto written = writer.write(*value); !written) return forward_error(written);
  }
  return to_hex(buffer.span());
}

size_t number_in(const std::string& name, size_t prefix) { return std::stoul(name.substr(prefix)); }

/// The values whose bytes are too long to be recorded whole, made from their name.
Value rebuilt(const std::string& name, Arena& arena) {
  if (name.starts_with("string_len_")) return Value::text(arena, std::string(number_in(name, 11), 'x'));
  if (name.starts_with("bytes_len_")) {
    std::vector<uint8_t> bytes(number_in(name, 10));
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
    return Value::bytes(arena, bytes);
  }
  if (name == "string_surrogate_at_32768") return Value::text(arena, std::string(32767, 'x') + "\xf0\x9f\x98\x80" + std::string(10, 'y'));
  return {};
}

Value three_hundred_points(Arena& arena, Family family) {
  const std::string_view names[] = {family == Family::sofa ? "x" : "y", family == Family::sofa ? "y" : "x"};
  const ObjectClass* point = make_class(arena, "sofa.vectors.HessianVectors$Point", names);
  List* list = make_list(arena);
  for (int32_t i = 0; i < 300; ++i) {
    Object* p = make_object(arena, *point);
    *p->find("x") = Value(i);
    *p->find("y") = Value(-i);
    list->push(p);
  }
  list->push((*list)[299]);
  return list;
}

void check_long(const Vector& v, const Recorded& recorded) {
  Document document;
  const Value value = v.name == "ref_300_objects" ? three_hundred_points(document.arena(), recorded.family) : rebuilt(v.name, document.arena());
  ASSERT_FALSE(value.is_null()) << v.name << " cannot be rebuilt";
  auto bytes = encode(value, {.dialect = recorded.dialect, .family = recorded.family});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), v.length) << v.name;
  EXPECT_EQ(crc32(0, bytes->data(), static_cast<uInt>(bytes->size())), v.crc32) << v.name;
  const std::string hex = to_hex(*bytes);
  EXPECT_TRUE(hex.starts_with(v.head)) << v.name;
  EXPECT_TRUE(hex.ends_with(v.tail)) << v.name;
  Reader reader(*bytes, {.dialect = recorded.dialect});
  auto back = reader.read_value();
  ASSERT_TRUE(back) << v.name << back.error().to_string();
  EXPECT_TRUE(same_shape(value, *back)) << v.name;
  EXPECT_TRUE(reader.at_end());
}

TEST(Vectors, EveryRecordedValueDecodesAndEncodesByteForByte) {
  for (const Recorded& recorded : kFiles) {
    const auto vectors = load_vectors(recorded.file);
    ASSERT_EQ(vectors.size(), recorded.count) << recorded.file;
    std::vector<std::string> refused;
    for (const Vector& v : vectors) {
      SCOPED_TRACE(std::string(recorded.file) + " " + v.name);
      if (!v.write_error.empty()) {
        refused.push_back(v.name);
      } else if (v.hex.empty()) {
        check_long(v, recorded);
      } else {
        auto hex = again(v.bytes(), recorded);
        ASSERT_TRUE(hex) << hex.error().to_string();
        EXPECT_EQ(*hex, v.hex);
      }
    }
    EXPECT_EQ(refused, std::vector<std::string>{"optional"});  // java.util.Optional is not Serializable: the libraries refuse it
  }
}

TEST(Vectors, EveryRecordedValueCanBeSkipped) {
  for (const Recorded& recorded : kFiles) {
    for (const Vector& v : load_vectors(recorded.file)) {
      const auto bytes = v.bytes();
      Reader reader(bytes, {.dialect = recorded.dialect});
      while (!reader.at_end()) {
        auto skipped = reader.skip();
        ASSERT_TRUE(skipped) << recorded.file << " " << v.name << ": " << skipped.error().to_string();
      }
    }
  }
}

TEST(Vectors, InputCutAtAnyByteIsAnErrorAndNothingElse) {
  for (const Recorded& recorded : kFiles) {
    for (const Vector& v : load_vectors(recorded.file)) {
      const auto bytes = v.bytes();
      if (v.name == "several_values_one_stream") continue;  // a cut between two values leaves a good stream
      for (size_t n = 0; n < bytes.size(); ++n) {
        const std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
        Reader reader(cut, {.dialect = recorded.dialect});
        ASSERT_FALSE(reader.read_value()) << v.name << " cut to " << n;
      }
    }
  }
}

}  // namespace
}  // namespace sofa::hessian
