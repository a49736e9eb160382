#pragma once
// The pieces that nearly every value is written with.

#include "sofa/wire/hessian/detail/text.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {

inline void Writer::write_null() { put('N'); }
inline void Writer::write_bool(bool v) { put(v ? 'T' : 'F'); }

inline void Writer::write_int(int32_t v) {
  uint8_t* p = room(5);
  if (v >= -16 && v <= 47) {
    p[0] = static_cast<uint8_t>(0x90 + v);
    buffer_.commit(1);
  } else if (v >= -2048 && v <= 2047) {
    p[0] = static_cast<uint8_t>(0xc8 + (v >> 8));
    p[1] = static_cast<uint8_t>(v);
    buffer_.commit(2);
  } else if (v >= -262144 && v <= 262143) {
    p[0] = static_cast<uint8_t>(0xd4 + (v >> 16));
    store_be<uint16_t>(p + 1, static_cast<uint16_t>(v));
    buffer_.commit(3);
  } else {
    p[0] = 'I';
    store_be(p + 1, v);
    buffer_.commit(5);
  }
}

inline void Writer::write_long(int64_t v) {
  uint8_t* p = room(9);
  if (v >= -8 && v <= 15) {
    p[0] = static_cast<uint8_t>(0xe0 + v);
    buffer_.commit(1);
  } else if (v >= -2048 && v <= 2047) {
    p[0] = static_cast<uint8_t>(0xf8 + (v >> 8));
    p[1] = static_cast<uint8_t>(v);
    buffer_.commit(2);
  } else if (v >= -262144 && v <= 262143) {
    p[0] = static_cast<uint8_t>(0x3c + (v >> 16));
    store_be<uint16_t>(p + 1, static_cast<uint16_t>(v));
    buffer_.commit(3);
  } else if (v == static_cast<int32_t>(v)) {
    p[0] = h4_ ? 0x59 : 0x77;
    store_be(p + 1, static_cast<int32_t>(v));
    buffer_.commit(5);
  } else {
    p[0] = 'L';
    store_be(p + 1, v);
    buffer_.commit(9);
  }
}

inline void Writer::write_string(std::string_view utf8) {
  const size_t n = utf8.size();
  if (n <= 31) [[likely]] {
    uint8_t* p = room(1 + 31);
    p[0] = static_cast<uint8_t>(n);
    if (detail::copy_short_ascii(p + 1, utf8.data(), n)) return buffer_.commit(1 + n);
  }
  put_long_string(utf8);
}

}  // namespace sofa::hessian
