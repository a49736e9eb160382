#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>

#include "sofa/base/json.h"
#include "sofa/tool/explain.h"

namespace sofa::tool {

namespace {

constexpr std::string_view kPreface = NGHTTP2_CLIENT_MAGIC;
constexpr uint32_t kStreamMask = 0x7fffffff;

std::string type_name(uint64_t type) {
  static constexpr std::string_view kNames[] = {"DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
                                                "PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};
  return type < std::size(kNames) ? std::string(kNames[type]) : "of an unknown type, to be skipped";
}

std::string setting_name(uint64_t id) {
  static constexpr std::string_view kNames[] = {
      "", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE", "MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE"};
  return id < std::size(kNames) ? std::string(kNames[id]) : id == 8 ? "ENABLE_CONNECT_PROTOCOL" : "unknown";
}

std::string error_name(uint64_t code) { return nghttp2_http2_strerror(static_cast<uint32_t>(code)); }

std::string flag_names(uint8_t type, uint64_t flags) {
  std::string names;
  const auto add = [&](uint8_t bit, std::string_view name) {
    if ((flags & bit) != 0) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  };
  if (type == NGHTTP2_SETTINGS || type == NGHTTP2_PING) add(NGHTTP2_FLAG_ACK, "ACK");
  if (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) add(NGHTTP2_FLAG_END_STREAM, "END_STREAM"), add(NGHTTP2_FLAG_PADDED, "PADDED");
  if (type == NGHTTP2_HEADERS || type == NGHTTP2_CONTINUATION || type == NGHTTP2_PUSH_PROMISE) add(NGHTTP2_FLAG_END_HEADERS, "END_HEADERS");
  if (type == NGHTTP2_HEADERS) add(NGHTTP2_FLAG_PRIORITY, "PRIORITY");
  return names;
}

class Http2Walk {
 public:
  /// `whole`: the bytes begin where the connection does, so that every header field can be read.
  Http2Walk(Walk& walk, bool whole) : walk_(walk), whole_(whole) {
    nghttp2_hd_inflater* inflater = nullptr;
    if (nghttp2_hd_inflate_new(&inflater) == 0) inflater_.reset(inflater);
  }

  void frame() {
    walk_.note(0, "frame", fmt::format("at byte {}", walk_.at()));
    const Walk::Level level(walk_);
    const size_t length = walk_.number(3, "length");
    const auto type = static_cast<uint8_t>(walk_.number(1, "type", type_name));
    const uint64_t flags = walk_.number(1, "flags", [type](uint64_t v) { return flag_names(type, v); });
    stream_ = walk_.number(4, "stream", [](uint64_t v) { return std::string((v & kStreamMask) == 0 ? "the connection" : ""); }) & kStreamMask;
    if (!walk_.ok()) return;
    if (walk_.left() < length) return walk_.fail(fmt::format("{} more bytes of the frame's payload", length - walk_.left()), walk_.left());
    payload(type, static_cast<uint8_t>(flags), length);
  }

 private:
  void payload(uint8_t type, uint8_t flags, size_t length) {
    switch (type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_CONTINUATION:
        return header_block(type, flags, length);
      case NGHTTP2_SETTINGS:
        if (length % 6 != 0) return walk_.fail("a length of SETTINGS that is a multiple of 6");
        for (size_t i = 0; i < length / 6; ++i) {
          walk_.number(2, "setting", setting_name);
          walk_.number(4, "value");
        }
        return;
      case NGHTTP2_RST_STREAM:
        return exactly(length, 4, [&] { walk_.number(4, "error", error_name); });
      case NGHTTP2_WINDOW_UPDATE:
        return exactly(length, 4, [&] { walk_.number(4, "increment"); });
      case NGHTTP2_PING:
        return exactly(length, 8, [&] { walk_.bytes(8, "opaque data"); });
      case NGHTTP2_PRIORITY:
        return exactly(length, 5, [&] { priority(); });
      case NGHTTP2_GOAWAY:
        if (length < 8) return walk_.fail("8 bytes at least of GOAWAY");
        walk_.number(4, "last stream");
        walk_.number(4, "error", error_name);
        if (length > 8) walk_.text(length - 8, "debug data");
        return;
      case NGHTTP2_DATA:
        return data(flags, length);
      default:
        if (length > 0) walk_.bytes(length, "payload");
    }
  }

  template <class F>
  void exactly(size_t length, size_t wanted, F read) {
    if (length != wanted) return walk_.fail(fmt::format("a payload of {} bytes", wanted));
    read();
  }

  void priority() {
    walk_.number(4, "depends on stream");
    walk_.number(1, "weight");
  }

  /// The bytes of padding behind the payload; the length that is left.
  size_t padding(uint8_t flags, size_t& length) {
    if ((flags & NGHTTP2_FLAG_PADDED) == 0 || length == 0) return 0;
    const size_t padding = walk_.number(1, "padding length");
    --length;
    if (padding > length) walk_.fail("less padding than payload");
    if (!walk_.ok()) return 0;
    length -= padding;
    return padding;
  }

  void data(uint8_t flags, size_t length) {
    const size_t pad = padding(flags, length);
    if (length > 0 && walk_.ok()) body(walk_.rest().first(length));
    if (pad > 0) walk_.bytes(pad, "padding");
    if ((flags & NGHTTP2_FLAG_END_STREAM) != 0) streams_.erase(stream_);
  }

  void body(ByteSpan bytes) {
    const auto [found, is_new] = streams_.try_emplace(stream_);
    Stream& stream = found->second;
    if (is_new) stream.is_grpc = begins_with_grpc(bytes);  // what its header said cannot be told
    if (!stream.is_grpc) return walk_.note(bytes.size(), "data", shown_text(as_text(bytes)));
    const auto missing = explain_grpc(walk_, bytes.size(), stream.missing);
    stream = {.is_grpc = missing.has_value(), .missing = missing.value_or(0)};
  }

  void header_block(uint8_t type, uint8_t flags, size_t length) {
    size_t pad = 0;
    if (type == NGHTTP2_HEADERS) {
      pad = padding(flags, length);
      if ((flags & NGHTTP2_FLAG_PRIORITY) != 0) {
        if (length < 5) return walk_.fail("5 bytes of priority");
        priority();
        length -= 5;
      }
    }
    fields(length, (flags & NGHTTP2_FLAG_END_HEADERS) != 0);
    if (pad > 0 && walk_.ok()) walk_.bytes(pad, "padding");
  }

  /// A recording from the middle of a connection refers to fields that came before it.
  void unknown_fields(size_t length) {
    inflater_.reset();
    if (length > 0) walk_.note(length, "HPACK", "fields that cannot be told without those before the recording");
  }

  /// HPACK, whose table lives as long as the connection.
  void fields(size_t length, bool last) {
    if (inflater_ == nullptr) return unknown_fields(length);
    const size_t end = walk_.at() + length;
    bool emitted_all = false;
    while (walk_.ok() && !emitted_all) {
      nghttp2_nv field{};
      int flags = 0;
      const ByteSpan block = walk_.rest().first(end - walk_.at());
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, block.data(), block.size(), last ? 1 : 0);
      if (used < 0 && !whole_) return unknown_fields(block.size());
      if (used < 0) return walk_.fail("a header field in HPACK");
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        const auto text = [](const uint8_t* at, size_t size) { return std::string_view(reinterpret_cast<const char*>(at), size); };
        const std::string_view name = text(field.name, field.namelen), value = text(field.value, field.valuelen);
        walk_.note(static_cast<size_t>(used), name, shown_text(value));
        if (name == "content-type") streams_[stream_].is_grpc = value.starts_with("application/grpc") && !value.starts_with("application/grpc-web");
      } else if (used > 0) {
        walk_.note(static_cast<size_t>(used), "HPACK", "part of a field, or the table's size");
      }
      emitted_all = (flags & NGHTTP2_HD_INFLATE_FINAL) != 0 || ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && walk_.at() == end);
    }
    if (last) nghttp2_hd_inflate_end_headers(inflater_.get());
  }

  struct Delete {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  Walk& walk_;
  const bool whole_;
  struct Stream {
    bool is_grpc = false;
    size_t missing = 0;  // bytes of the message that has begun
  };
  std::map<uint64_t, Stream> streams_;
  uint64_t stream_ = 0;                                    // of the frame
  std::unique_ptr<nghttp2_hd_inflater, Delete> inflater_;  // null: its table is not known any more
};

}  // namespace

void explain_http2(Walk& walk) {
  const bool begins_with_settings = walk.left() > 3 && walk.rest()[3] == NGHTTP2_SETTINGS;
  const bool whole = begins_with_settings || as_text(walk.rest()).starts_with("PRI");
  if (as_text(walk.rest()).starts_with("PRI")) {
    if (!as_text(walk.rest()).starts_with(kPreface)) return walk.fail(fmt::format("the client's preface {}", json_quoted(kPreface)));
    walk.text(kPreface.size(), "preface");
  }
  Http2Walk http2(walk, whole);
  while (!walk.done()) http2.frame();
}

}  // namespace sofa::tool
