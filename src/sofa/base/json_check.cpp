#include "sofa/base/json_check.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/detail/scalar_text.h"

namespace sofa {

namespace {

namespace json = boost::json;

/// Keeps the keys of the objects that are open: a view of the text each, or a copy of one with escapes. What an object has twice is found at its end.
class Keys {
 public:
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  explicit Keys(std::string_view text) : text_(text) {}

  /// The key at which the parser stopped.
  const std::optional<std::string_view>& twin() const { return twin_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(size_t, json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open_.push_back({keys_.size(), copies_.size()}), true; }
  bool on_object_end(size_t, json::error_code& error) {
    const auto first = keys_.begin() + static_cast<ptrdiff_t>(open_.back().keys);
    std::sort(first, keys_.end());
    if (const auto twin = std::adjacent_find(first, keys_.end()); twin != keys_.end()) {
      twin_ = *twin;
      return error = json::error::exception, false;
    }
    keys_.erase(first, keys_.end());
    copies_.resize(open_.back().copies);
    return open_.pop_back(), true;
  }
  bool on_string_part(json::string_view, size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, size_t, json::error_code&) { return key_.append(part.data(), part.size()), true; }
  bool on_key(json::string_view last, size_t, json::error_code&) {
    const bool is_of_text = std::less_equal<>()(text_.data(), last.data()) && std::less<>()(last.data(), text_.data() + text_.size());
    if (key_.empty() && is_of_text) return keys_.push_back(last), true;
    key_.append(last.data(), last.size());
    keys_.push_back(copies_.emplace_back(std::exchange(key_, {})));
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, json::error_code&) { return true; }
  bool on_uint64(uint64_t, json::string_view, json::error_code&) { return true; }
  bool on_double(double, json::string_view, json::error_code&) { return true; }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Begin {
    size_t keys, copies;  // that came before
  };
  const std::string_view text_;
  std::vector<Begin> open_;
  std::vector<std::string_view> keys_;
  std::deque<std::string> copies_;
  std::string key_;  // as far as it came in parts
  std::optional<std::string_view> twin_;
};

}  // namespace

Result<void> check_json(std::string_view text, size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Keys> parser(options, text);
  json::error_code error;
  const size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (const auto& twin = parser.handler().twin()) return fail(Code::invalid_argument, "the key {} stands twice in one object", detail::quoted(*twin));
  if (error == json::error::too_deep) return fail(Code::invalid_argument, "it is nested more than {} levels deep", max_depth);
  if (error) return fail(Code::invalid_argument, "{} after {} bytes", error.message(), read);
  if (read < text.size()) return fail(Code::invalid_argument, "{} follows the document", detail::quoted(text.substr(read)));
  return {};
}

}  // namespace sofa
