#include "sofa/http/detail/request_rules.h"

#include <gtest/gtest.h>

#include "sofa/http/detail/byte_set.h"
#include "sofa/http/headers.h"

namespace sofa::http::detail {
namespace {

using Fields = std::vector<HeaderField>;

const Fields kGet{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "test"}};

struct Seen {
  bool malformed;
  size_t kept;
};

Seen look_at(const Fields& fields, bool end = true, RequestRules::Block block = RequestRules::Block::head) {
  RequestRules rules;
  rules.begin(block);
  size_t kept = 0;
  for (const HeaderField& field : fields) kept += rules.admit(field.name, field.value) ? 1 : 0;
  return {rules.is_malformed(end), kept};
}

Fields get_with(const Fields& more) {
  Fields all = kGet;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// kGet with one pseudo field replaced.
Fields get_but(std::string_view name, std::string_view value) {
  Fields all = kGet;
  for (HeaderField& field : all) {
    if (field.name == name) field.value = value;
  }
  return all;
}

TEST(RequestRules, TakesWhatIsWellFormed) {
  const Fields requests[] = {
      kGet,
      get_with({{"te", "Trailers"}, {"x-a", ""}, {"x-b", "a\tb \xff"}, {"cookie", "a=1"}, {"cookie", "b=2"}, {"host", "test"}}),
      {{":method", "OPTIONS"}, {":scheme", "https"}, {":path", "*"}, {":authority", "test"}},
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/a?b#c"}, {"host", "[::1]:80"}},
      {{":method", "CONNECT"}, {":authority", "test:443"}},
      {{":path", "/"}, {":scheme", "other+1"}, {":method", "M-1"}, {":authority", "u@h"}},
  };
  for (const Fields& request : requests) {
    const Seen seen = look_at(request);
    EXPECT_FALSE(seen.malformed) << request.front().value;
    EXPECT_EQ(seen.kept, request.size()) << request.front().value;
  }
}

TEST(RequestRules, RefusesPseudoFieldsThatAreMissingTwiceLateOrOfNoRequest) {
  for (size_t i = 0; i < kGet.size(); ++i) {
    Fields missing = kGet, twice = kGet;
    missing.erase(missing.begin() + static_cast<ptrdiff_t>(i));
    twice.push_back(kGet[i]);
    EXPECT_TRUE(look_at(missing).malformed) << kGet[i].name << " is missing";
    EXPECT_TRUE(look_at(twice).malformed) << kGet[i].name << " stands twice";
    EXPECT_TRUE(look_at(get_but(kGet[i].name, "")).malformed) << kGet[i].name << " is empty";
    EXPECT_TRUE(look_at(get_but(kGet[i].name, "a b")).malformed) << kGet[i].name << " holds a blank";
    EXPECT_TRUE(look_at(get_but(kGet[i].name, "/\n")).malformed) << kGet[i].name << " holds a line end";
  }
  EXPECT_TRUE(look_at({{":method", "GET"}, {":scheme", "http"}, {"a", "b"}, {":path", "/"}, {":authority", "test"}}).malformed);
  EXPECT_TRUE(look_at({{":method", "GET"}, {":scheme", "http"}, {"a b", "b"}, {":path", "/"}, {":authority", "test"}}).malformed);
  EXPECT_TRUE(look_at(get_with({{":status", "200"}})).malformed);
  EXPECT_TRUE(look_at(get_with({{":protocol", "websocket"}})).malformed);
  EXPECT_TRUE(look_at(get_with({{":", ""}})).malformed);
  EXPECT_TRUE(look_at({}).malformed);
}

TEST(RequestRules, RefusesTargetsThatItsMethodDoesNotHave) {
  for (const std::string_view path : {"*", "a", "*/", "http://test/"}) EXPECT_TRUE(look_at(get_but(":path", path)).malformed) << path;
  EXPECT_TRUE(look_at({{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*/"}, {":authority", "test"}}).malformed);
  EXPECT_TRUE(look_at(get_but(":method", "CONNECT")).malformed) << "CONNECT has no path";
  EXPECT_TRUE(look_at({{":method", "CONNECT"}, {"host", "test"}}).malformed) << "CONNECT has an authority";
  EXPECT_TRUE(look_at(get_but(":scheme", "1http")).malformed);
}

TEST(RequestRules, RefusesFieldsOfOneConnectionAndNamesInUpperCase) {
  for (const std::string_view name : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "X-Upper", "a B"}) {
    EXPECT_TRUE(look_at(get_with({{name, "x"}})).malformed) << name;
  }
  for (const std::string_view value : {"gzip", "", "trailers, gzip"}) EXPECT_TRUE(look_at(get_with({{"te", value}})).malformed) << value;
  EXPECT_TRUE(look_at(get_with({{"host", ""}})).malformed);
  EXPECT_TRUE(look_at(get_with({{"host", "a"}, {"host", "a"}})).malformed);
}

TEST(RequestRules, PassesOverWhatIsNoField) {
  const std::string_view zero("a\0b", 3);
  for (const HeaderField& field : Fields{{"", "x"},
                                         {"a b", "x"},
                                         {"a:b", "x"},
                                         {"\x80", "x"},
                                         {"x", " x"},
                                         {"x", "x\t"},
                                         {"x", "x\r\nx"},
                                         {"x", zero},
                                         {"x", "a long value with a DEL \x7f in it"},
                                         {"host", "a/b"}}) {
    const Seen seen = look_at(get_with({field}));
    EXPECT_FALSE(seen.malformed) << field.name << ": " << field.value;
    EXPECT_EQ(seen.kept, kGet.size()) << field.name << ": " << field.value;
  }
}

TEST(RequestRules, TakesOneLengthThatIsANumberAndNoneButZeroWithoutABody) {
  for (const std::string_view length : {"", "-1", "+1", "1a", "0x1", "18446744073709551616", "1, 1"}) {
    EXPECT_TRUE(look_at(get_with({{"content-length", length}}), false).malformed) << length;
  }
  EXPECT_TRUE(look_at(get_with({{"content-length", "1"}, {"content-length", "1"}}), false).malformed);
  EXPECT_FALSE(look_at(get_with({{"content-length", "10"}}), false).malformed);
  EXPECT_TRUE(look_at(get_with({{"content-length", "10"}}), true).malformed);
  EXPECT_FALSE(look_at(get_with({{"content-length", "0"}}), true).malformed);
}

TEST(RequestRules, TakesTrailersThatEndTheRequestAndHoldNoPseudoField) {
  EXPECT_FALSE(look_at({{"a", "b"}}, true, RequestRules::Block::trailers).malformed);
  EXPECT_TRUE(look_at({{"a", "b"}}, false, RequestRules::Block::trailers).malformed);
  EXPECT_TRUE(look_at({{":path", "/"}}, true, RequestRules::Block::trailers).malformed);
}

TEST(ByteSet, FindsEachControlCharacterAtEachPlaceOfAValue) {
  for (size_t size = 0; size < 40; ++size) {
    std::string value(size, 'a');
    EXPECT_TRUE(is_field_value(value)) << size;
    for (size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 256; ++c) {
        value[at] = static_cast<char>(c);
        ASSERT_EQ(is_field_value(value), c == '\t' || (c >= ' ' && c != 0x7f)) << c << " at " << at << " of " << size;
      }
      value[at] = 'a';
    }
  }
}

}  // namespace
}  // namespace sofa::http::detail
