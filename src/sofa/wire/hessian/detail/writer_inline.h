#pragma once
// The pieces that nearly every value is written with. The put_ functions write at p, where the caller has made room for the longest form, and
// answer where they ended.

#include "sofa/wire/hessian/detail/text.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {

namespace detail {

inline uint8_t* put_int(uint8_t* p, int32_t v) {
  if (v >= -16 && v <= 47) {
    p[0] = static_cast<uint8_t>(0x90 + v);
    return p + 1;
  }
  if (v >= -2048 && v <= 2047) {
    p[0] = static_cast<uint8_t>(0xc8 + (v >> 8));
    p[1] = static_cast<uint8_t>(v);
    return p + 2;
  }
  if (v >= -262144 && v <= 262143) {
    p[0] = static_cast<uint8_t>(0xd4 + (v >> 16));
    store_be<uint16_t>(p + 1, static_cast<uint16_t>(v));
    return p + 3;
  }
  p[0] = 'I';
  store_be(p + 1, v);
  return p + 5;
}

inline uint8_t* put_long(uint8_t* p, int64_t v, bool h4) {
  if (v >= -8 && v <= 15) {
    p[0] = static_cast<uint8_t>(0xe0 + v);
    return p + 1;
  }
  if (v >= -2048 && v <= 2047) {
    p[0] = static_cast<uint8_t>(0xf8 + (v >> 8));
    p[1] = static_cast<uint8_t>(v);
    return p + 2;
  }
  if (v >= -262144 && v <= 262143) {
    p[0] = static_cast<uint8_t>(0x3c + (v >> 16));
    store_be<uint16_t>(p + 1, static_cast<uint16_t>(v));
    return p + 3;
  }
  if (v == static_cast<int32_t>(v)) {
    p[0] = h4 ? 0x59 : 0x77;
    store_be(p + 1, static_cast<int32_t>(v));
    return p + 5;
  }
  p[0] = 'L';
  store_be(p + 1, v);
  return p + 9;
}

uint8_t* put_double(uint8_t* p, double v, bool h4);

inline uint8_t* put_date(uint8_t* p, int64_t milliseconds, bool h4) {
  const int64_t minutes = milliseconds / 60000;
  if (h4 && milliseconds % 60000 == 0 && minutes == static_cast<int32_t>(minutes)) {
    p[0] = 0x4b;
    store_be(p + 1, static_cast<int32_t>(minutes));
    return p + 5;
  }
  p[0] = h4 ? 0x4a : 'd';
  store_be(p + 1, milliseconds);
  return p + 9;
}

/// Text of up to 31 bytes whose bytes are those of its units; null, with rubbish written, for any other. Writes at most 32 bytes.
inline uint8_t* put_short_text(uint8_t* p, std::string_view utf8) {
  const size_t n = utf8.size();
  if (n > 31) return nullptr;
  p[0] = static_cast<uint8_t>(n);
  if (copy_short_ascii(p + 1, utf8.data(), n)) [[likely]] {
    return p + 1 + n;
  }
  const TextSize size = text_size(utf8);
  if (!size.same_bytes) return nullptr;
  std::memcpy(p + 1, utf8.data(), n);
  p[0] = static_cast<uint8_t>(size.units);
  return p + 1 + n;
}

}  // namespace detail

/// Begins writing through a pointer instead of the buffer: answers where the next byte goes, with kRoom bytes of room. Until close, nothing may
/// touch the buffer.
inline uint8_t* Writer::open() {
  buffer_.reserve(kRoom);
  const std::span<uint8_t> space = buffer_.free_space();
  start_ = space.data();
  last_ = start_ + (space.size() - kRoom);
  return start_;
}
inline void Writer::close(const uint8_t* p) { buffer_.commit(static_cast<size_t>(p - start_)); }
/// Makes sure that kRoom bytes fit at p again.
inline uint8_t* Writer::roomy(uint8_t* p) {
  if (p <= last_) [[likely]] {
    return p;
  }
  close(p);
  return open();
}

inline void Writer::write_null() { put('N'); }
inline void Writer::write_bool(bool v) { put(v ? 'T' : 'F'); }
inline void Writer::write_int(int32_t v) { close(detail::put_int(open(), v)); }
inline void Writer::write_long(int64_t v) { close(detail::put_long(open(), v, h4_)); }
inline void Writer::write_double(double v) { close(detail::put_double(open(), v, h4_)); }
inline void Writer::write_date(int64_t milliseconds) { close(detail::put_date(open(), milliseconds, h4_)); }

inline void Writer::write_string(std::string_view utf8) {
  if (const uint8_t* p = detail::put_short_text(open(), utf8)) return close(p);
  put_long_string(utf8);
}

}  // namespace sofa::hessian
