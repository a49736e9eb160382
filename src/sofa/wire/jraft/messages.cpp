#include "sofa/wire/jraft/messages.h"

#include <algorithm>
#include <array>

namespace sofa::jraft {

namespace {

using Decoder = Result<Message> (*)(const Bytes& content);

template <class M>
Result<Message> decode_as(const Bytes& content) {
  auto message = decode<M>(content);
  if (!message) return forward_error(message);
  return Message(std::move(*message));
}

struct Known {
  std::string_view name;
  Decoder decode;
};

template <class... M>
auto all_of(std::type_identity<std::variant<M...>>) {
  std::array<Known, sizeof...(M)> all{Known{M::kName, &decode_as<M>}...};
  std::ranges::sort(all, {}, &Known::name);
  return all;
}

}  // namespace

Bytes append_header(const AppendEntriesRequest& request) {
  Buffer out;
  ProtobufWriter to(out);
  to.bytes(1, as_bytes(request.group_id));
  to.bytes(2, as_bytes(request.server_id));
  to.bytes(3, as_bytes(request.peer_id));
  return out.take();
}

Result<Message> decode_message(std::string_view class_name, const Bytes& content) {
  static const auto kAll = all_of(std::type_identity<Message>());
  const auto found = std::ranges::lower_bound(kAll, class_name, {}, &Known::name);
  if (found == kAll.end() || found->name != class_name) return fail(Code::unimplemented, "'{}' is no message of JRaft", class_name);
  return found->decode(content);
}

Result<Bytes> content_of_file(const Bytes& file, std::string_view proto_name) {
  const auto be32 = [&](size_t at) -> size_t {
    return static_cast<size_t>(file[at]) << 24 | static_cast<size_t>(file[at + 1]) << 16 | static_cast<size_t>(file[at + 2]) << 8 | file[at + 3];
  };
  if (file.size() < 8 || be32(0) > file.size() - 8)
    return fail(Code::data_loss, "the file of {} bytes is too short for the name of its type", file.size());
  const size_t name = be32(0);
  if (as_text(file.span().subspan(4, name)) != proto_name) {
    return fail(Code::data_loss, "the file holds a {}, not a {}", as_text(file.span().subspan(4, name)), proto_name);
  }
  if (be32(4 + name) != file.size() - 8 - name) {
    return fail(Code::data_loss, "the file holds {} bytes of its {} where it says {}", file.size() - 8 - name, proto_name, be32(4 + name));
  }
  return file.slice(8 + name);
}

ErrorResponse error_response(Status why) { return {.code = static_cast<int32_t>(why.code), .message = std::move(why.message)}; }

}  // namespace sofa::jraft
