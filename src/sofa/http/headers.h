#pragma once
// Header fields of one message, in order.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sofa::http {

/// One field. The views point into their Headers and live until it changes.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// Fields in the order they were added; a name may stand several times. Names are kept in lower case, as HTTP/2 wants them and HTTP/1.1 allows.
/// All texts lie in one string, so that a reused object allocates nothing. Pseudo fields (":path") are never in here.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<HeaderField> fields);

  void add(std::string_view name, std::string_view value);
  /// add(), after every field of that name is gone.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  /// Keeps its memory.
  void clear();

  /// The value of the first field of that name (given in lower case).
  std::optional<std::string_view> get(std::string_view name) const;
  /// The value of the first field of that name, or `fallback`.
  std::string_view get_or(std::string_view name, std::string_view fallback = {}) const { return get(name).value_or(fallback); }
  bool contains(std::string_view name) const { return get(name).has_value(); }
  /// Whether a comma-separated list in any field of that name holds `token`, compared without case ("connection: Upgrade, close").
  bool has_token(std::string_view name, std::string_view token) const;

  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  HeaderField operator[](size_t i) const {
    const Place& place = fields_[i];
    const char* const name = text_.data() + place.at;
    return {{name, place.name_size}, {name + place.name_size, place.value_size}};
  }
  /// Names and values as HTTP/2 counts a header list: 32 bytes are added for each field (RFC 9113, 6.5.2).
  size_t list_size() const { return text_.size() + fields_.size() * 32; }

  class Iterator {
   public:
    Iterator(const Headers& headers, size_t i) : headers_(headers), i_(i) {}
    HeaderField operator*() const { return headers_[i_]; }
    Iterator& operator++() { return ++i_, *this; }
    bool operator!=(const Iterator& other) const { return i_ != other.i_; }

   private:
    const Headers& headers_;
    size_t i_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, fields_.size()}; }

 private:
  struct Place {
    uint32_t at;  // of the name, which its value follows
    uint32_t name_size, value_size;
  };
  std::string text_;
  std::vector<Place> fields_;
};

}  // namespace sofa::http
