#include "sofa/base/json_check.h"

#include <boost/json/basic_parser_impl.hpp>
#include <set>
#include <string>
#include <vector>

#include "sofa/base/detail/scalar_text.h"

namespace sofa {

namespace {

namespace json = boost::json;

/// Keeps the keys of the objects that are open.
class Keys {
 public:
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  bool has_twin() const { return has_twin_; }
  /// The key at which the parser stopped.
  const std::string& key() const { return key_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(size_t, json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open_.emplace_back(), true; }
  bool on_object_end(size_t, json::error_code&) { return open_.pop_back(), true; }
  bool on_string_part(json::string_view, size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, size_t, json::error_code&) { return true; }
  bool on_key_part(json::string_view part, size_t, json::error_code&) { return key_.append(part.data(), part.size()), true; }
  bool on_key(json::string_view last, size_t, json::error_code& error) {
    key_.append(last.data(), last.size());
    has_twin_ = !open_.back().insert(key_).second;
    if (has_twin_) return error = json::error::exception, false;
    return key_.clear(), true;
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
  std::vector<std::set<std::string>> open_;
  std::string key_;
  bool has_twin_ = false;
};

}  // namespace

Result<void> check_json(std::string_view text, size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Keys> parser(options);
  json::error_code error;
  const size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (parser.handler().has_twin())
    return fail(Code::invalid_argument, "the key {} stands twice in one object", detail::quoted(parser.handler().key()));
  if (error == json::error::too_deep) return fail(Code::invalid_argument, "it is nested more than {} levels deep", max_depth);
  if (error) return fail(Code::invalid_argument, "{} after {} bytes", error.message(), read);
  if (read < text.size()) return fail(Code::invalid_argument, "{} follows the document", detail::quoted(text.substr(read)));
  return {};
}

}  // namespace sofa
