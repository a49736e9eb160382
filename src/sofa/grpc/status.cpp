#include "sofa/grpc/status.h"

#include <array>

#include "sofa/base/text.h"

namespace sofa::grpc {

namespace {

struct TimeoutUnit {
  char name;
  Duration length;
};
constexpr std::array<TimeoutUnit, 6> kUnits = {{{'n', std::chrono::nanoseconds(1)},
                                                {'u', std::chrono::microseconds(1)},
                                                {'m', std::chrono::milliseconds(1)},
                                                {'S', std::chrono::seconds(1)},
                                                {'M', std::chrono::minutes(1)},
                                                {'H', std::chrono::hours(1)}}};
constexpr size_t kMostDigits = 8;
constexpr int64_t kMostCount = 99'999'999;

bool is_plain(char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

}  // namespace

std::string encode_message(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_plain(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<uint8_t>(c);
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return encoded;
}

std::string decode_message(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return decoded;
}

Code code_of_http_status(int status) {
  switch (status) {
    case 400:
      return Code::internal;
    case 401:
      return Code::unauthenticated;
    case 403:
      return Code::permission_denied;
    case 404:
      return Code::unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code::unavailable;
    default:
      return Code::unknown;
  }
}

Code code_of_reset(uint32_t http2_error) {
  constexpr uint32_t kRefusedStream = 7, kCancel = 8, kEnhanceYourCalm = 11, kInadequateSecurity = 12;
  switch (http2_error) {
    case kRefusedStream:
      return Code::unavailable;
    case kCancel:
      return Code::cancelled;
    case kEnhanceYourCalm:
      return Code::resource_exhausted;
    case kInadequateSecurity:
      return Code::permission_denied;
    default:
      return Code::internal;
  }
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kMostDigits + 1) return std::nullopt;
  const std::string_view digits = text.substr(0, text.size() - 1);
  const auto count = whole_number<uint32_t>(digits);
  if (!count) return std::nullopt;
  for (const TimeoutUnit& unit : kUnits) {
    if (unit.name != text.back()) continue;
    return *count > Duration::max() / unit.length ? Duration::max() : unit.length * *count;
  }
  return std::nullopt;
}

namespace {

Duration rounded_up(Duration timeout) {
  constexpr int64_t kDigits = 1000;
  int64_t step = 1;
  while (timeout.count() / step >= kDigits) step *= 10;
  return timeout > Duration::max() - Duration(step) ? timeout : Duration((timeout.count() + step - 1) / step * step);
}

}  // namespace

std::string format_timeout(Duration timeout) {
  timeout = rounded_up(timeout);
  for (const TimeoutUnit& unit : kUnits) {
    const int64_t count = timeout / unit.length;
    if (count <= kMostCount) return fmt::format("{}{}", std::max<int64_t>(count, 0), unit.name);
  }
  return fmt::format("{}H", kMostCount);
}

}  // namespace sofa::grpc
