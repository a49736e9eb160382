#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "sofa/wire/hessian/detail/text.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {

using namespace detail;

namespace {

constexpr size_t kStringChunk = 0x8000;      // units; Java's readers take any size, its writers cut here
constexpr size_t kBinaryChunkH3 = 0x8000;    // bytes
constexpr size_t kBinaryChunkH4 = 8192 - 3;  // bytes: Java fills its output buffer with a chunk and its head

/// Java's (int) of a double: truncates, saturates, NaN is 0.
int32_t java_int(double v) {
  if (std::isnan(v)) return 0;
  if (v >= 2147483647.0) return std::numeric_limits<int32_t>::max();
  if (v <= -2147483648.0) return std::numeric_limits<int32_t>::min();
  return static_cast<int32_t>(v);
}

/// How much of a text too long for one chunk goes into the next: 0x8000 units, one less when the last would be half of a pair.
size_t chunk_bytes(std::string_view utf8, size_t& units) {
  size_t at = 0;
  units = 0;
  while (true) {
    const CodePoint c = next_code_point({utf8.data() + at, utf8.size() - at});
    const size_t width = c.value >= 0x10000 ? 2 : 1;
    const bool last_is_high = units + 1 == kStringChunk && (width == 2 || is_high_surrogate(c.value));
    if (units == kStringChunk || last_is_high) return at;
    units += width;
    at += c.length;
  }
}

}  // namespace

uint8_t* detail::put_double(uint8_t* p, double v, bool h4) {
  const uint8_t first = h4 ? 0x5b : 0x67;  // the forms for 0, 1, a byte, a short stand in a row
  if (v >= -32768 && v <= 32767 && v == static_cast<int32_t>(v)) {
    const auto i = static_cast<int32_t>(v);
    if (i == 0 || i == 1) {
      p[0] = static_cast<uint8_t>(first + i);
      return p + 1;
    }
    if (i >= -128 && i <= 127) {
      p[0] = static_cast<uint8_t>(first + 2);
      p[1] = static_cast<uint8_t>(i);
      return p + 2;
    }
    p[0] = static_cast<uint8_t>(first + 3);
    store_be(p + 1, static_cast<int16_t>(i));
    return p + 3;
  }
  if (!h4 && static_cast<double>(static_cast<float>(v)) == v) {
    p[0] = 0x6b;
    store_be(p + 1, std::bit_cast<uint32_t>(static_cast<float>(v)));
    return p + 5;
  }
  // Computed as Java does, in doubles: the same values take the short form, to the last bit (docs/protocols/hessian.md, section 1).
  if (const int32_t mills = h4 ? java_int(v * 1000) : 0; h4 && 0.001 * mills == v) {
    p[0] = 0x5f;
    store_be(p + 1, mills);
    return p + 5;
  }
  p[0] = 'D';
  store_be(p + 1, std::bit_cast<uint64_t>(v));
  return p + 9;
}

void Writer::write_float(float v, bool boxed) {
  if (boxed && boxes_small_numbers_) {
    const double wide = v;
    return write_handle("FloatHandle", 0, &wide);
  }
  if (h4_ && boxed) return write_double(std::strtod(fmt::format("{}", v).c_str(), nullptr));  // dubbo: through the decimal text
  write_double(v);
}

void Writer::put_long_string(std::string_view utf8) {
  auto [units, same_bytes] = text_size(utf8);
  while (units > kStringChunk) {
    size_t chunk_units = 0;
    const size_t bytes = chunk_bytes(utf8, chunk_units);
    put(h4_ ? 'R' : 's');
    buffer_.append_be16(static_cast<uint16_t>(chunk_units));
    put_units(utf8.substr(0, bytes), chunk_units);
    utf8.remove_prefix(bytes);
    units -= chunk_units;
  }
  if (units <= 31) {
    put(static_cast<uint8_t>(units));
  } else if (h4_ && units <= 1023) {
    put(static_cast<uint8_t>(0x30 + (units >> 8)));
    put(static_cast<uint8_t>(units));
  } else {
    put('S');
    buffer_.append_be16(static_cast<uint16_t>(units));
  }
  if (same_bytes) return buffer_.append(utf8);
  put_units(utf8, units);
}

/// The bytes of the units: UTF-8 as it is, but two three-byte surrogates for each four-byte form.
void Writer::put_units(std::string_view utf8, size_t units) {
  if (units == utf8.size() && is_ascii(utf8.data(), units)) return buffer_.append(utf8);
  uint8_t* const start = room(units * 3);
  uint8_t* p = start;
  for (size_t i = 0; i < utf8.size();) {
    const CodePoint c = next_code_point({utf8.data() + i, utf8.size() - i});
    i += c.length;
    if (c.value < 0x10000) {
      p = put_unit(p, c.value);
    } else {
      p = put_unit(p, 0xd7c0 + (c.value >> 10));
      p = put_unit(p, 0xdc00 + (c.value & 0x3ff));
    }
  }
  buffer_.commit(static_cast<size_t>(p - start));
}

void Writer::write_bytes(ByteSpan bytes) {
  const size_t chunk = h4_ ? kBinaryChunkH4 : kBinaryChunkH3;
  while (bytes.size() > chunk) {
    put(h4_ ? 'A' : 'b');
    buffer_.append_be16(static_cast<uint16_t>(chunk));
    buffer_.append(bytes.first(chunk));
    bytes = bytes.subspan(chunk);
  }
  const size_t n = bytes.size();
  if (n <= 15) {
    put(static_cast<uint8_t>(0x20 + n));
  } else if (h4_ && n <= 1023) {
    put(static_cast<uint8_t>(0x34 + (n >> 8)));
    put(static_cast<uint8_t>(n));
  } else {
    put('B');
    buffer_.append_be16(static_cast<uint16_t>(n));
  }
  buffer_.append(bytes);
}

}  // namespace sofa::hessian
