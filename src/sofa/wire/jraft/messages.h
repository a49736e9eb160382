#pragma once
// The messages of JRaft's nodes and of its CLI (jraft.md 1.3): plain structs, and their bytes (protobuf, proto2).
//
//   Bytes content = encode(RequestVoteRequest{.group_id = "lab", ...});
//   Result<RequestVoteRequest> request = decode<RequestVoteRequest>(content);
//
// A field that is no optional and no list is written even when it is zero: it is `required`. Unknown fields are passed over.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/base/fixed_text.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::jraft {

enum class ReadOnlyType : uint8_t { safe, lease_based };

/// An entry of AppendEntries without its data, which is cut from the request's by `data_len`.
struct EntryMeta {
  int64_t term = 0;
  int32_t type = 0;  ///< EntryType
  std::vector<std::string> peers{};
  std::optional<int64_t> data_len{};
  std::vector<std::string> old_peers{};
  std::optional<int64_t> checksum{};
  std::vector<std::string> learners{}, old_learners{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.term);
    visit(2, self.type);
    visit(3, self.peers);
    visit(4, self.data_len);
    visit(5, self.old_peers);
    visit(6, self.checksum);
    visit(7, self.learners);
    visit(8, self.old_learners);
  }
  bool operator==(const EntryMeta&) const = default;
};

/// What a snapshot holds: all up to this entry, with the members of the group there.
struct SnapshotMeta {
  int64_t last_included_index = 0, last_included_term = 0;
  std::vector<std::string> peers{}, old_peers{}, learners{}, old_learners{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.last_included_index);
    visit(2, self.last_included_term);
    visit(3, self.peers);
    visit(4, self.old_peers);
    visit(5, self.learners);
    visit(6, self.old_learners);
  }
  bool operator==(const SnapshotMeta&) const = default;
};

// jraft.proto (files)

/// `raft_meta`: who was voted for, and in which term.
struct StablePBMeta {
  static constexpr std::string_view kProtoName = "jraft.StablePBMeta";
  int64_t term = 0;
  std::string voted_for{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.term);
    visit(2, self.voted_for);
  }
  bool operator==(const StablePBMeta&) const = default;
};

/// What is known of a file of a snapshot.
struct LocalFileMeta {
  static constexpr std::string_view kName = "LocalFileMeta";
  std::optional<Bytes> user_meta{};
  std::optional<int32_t> source{};
  std::optional<std::string> checksum{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.user_meta);
    visit(2, self.source);
    visit(3, self.checksum);
  }
  bool operator==(const LocalFileMeta&) const = default;
};

struct SnapshotFile {
  std::string name{};
  LocalFileMeta meta{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.name);
    visit(2, self.meta);
  }
  bool operator==(const SnapshotFile&) const = default;
};

/// `__raft_snapshot_meta`.
struct LocalSnapshotPbMeta {
  static constexpr std::string_view kProtoName = "jraft.LocalSnapshotPbMeta";
  static constexpr std::string_view kName = kProtoName;
  std::optional<SnapshotMeta> meta{};
  std::vector<SnapshotFile> files{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.meta);
    visit(2, self.files);
  }
  bool operator==(const LocalSnapshotPbMeta&) const = default;
};

// rpc.proto, cli.proto

/// Every failure, and the answer "well" of requests without one of their own: code 0, then without a text.
struct ErrorResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$ErrorResponse";
  int32_t code = 0;
  std::optional<std::string> message{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.code);
    visit(2, self.message);
  }
  bool operator==(const ErrorResponse&) const = default;
};

ErrorResponse error_response(Status why);

/// Asked before anything else on a connection; answered with ErrorResponse{0, "OK"}.
struct PingRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$PingRequest";
  int64_t send_timestamp = 0;
  static void fields(auto& self, auto& visit) { visit(1, self.send_timestamp); }
  bool operator==(const PingRequest&) const = default;
};

/// Of an election, and of the round before it that asks whether one would be won.
struct RequestVoteRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$RequestVoteRequest";
  std::string group_id{};
  std::string server_id{};
  std::string peer_id{};
  int64_t term = 0;
  int64_t last_log_term = 0;
  int64_t last_log_index = 0;
  bool pre_vote = false;
  std::optional<bool> was_told{};  ///< ours: whether a leader has told the candidate to campaign. Java passes it over, and does not say it
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.server_id);
    visit(3, self.peer_id);
    visit(4, self.term);
    visit(5, self.last_log_term);
    visit(6, self.last_log_index);
    visit(7, self.pre_vote);
    visit(1000, self.was_told);
  }
  bool operator==(const RequestVoteRequest&) const = default;
};

struct RequestVoteResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$RequestVoteResponse";
  int64_t term = 0;
  bool granted = false;
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.term);
    visit(2, self.granted);
    visit(99, self.error);
  }
  bool operator==(const RequestVoteResponse&) const = default;
};

/// Without entries: a heartbeat when it has no data, a probe when its data is there and empty (jraft.md 2.4).
struct AppendEntriesRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$AppendEntriesRequest";
  std::string group_id{};
  std::string server_id{};
  std::string peer_id{};
  int64_t term = 0;
  int64_t prev_log_term = 0;
  int64_t prev_log_index = 0;
  std::vector<EntryMeta> entries{};
  int64_t committed_index = 0;
  std::optional<Bytes> data{};
  std::optional<bool> quiet{};     ///< ours: of a heartbeat, after which none may come for long. Java passes it over
  std::optional<bool> together{};  ///< ours: of a heartbeat. The sender asks whether it may send Heartbeats. Java passes it over
  bool is_heartbeat() const { return entries.empty() && !data; }
  bool is_probe() const { return entries.empty() && data; }
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.server_id);
    visit(3, self.peer_id);
    visit(4, self.term);
    visit(5, self.prev_log_term);
    visit(6, self.prev_log_index);
    visit(7, self.entries);
    visit(8, self.committed_index);
    visit(9, self.data);
    visit(1000, self.quiet);
    visit(1001, self.together);
  }
  bool operator==(const AppendEntriesRequest&) const = default;
};

struct AppendEntriesResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$AppendEntriesResponse";
  int64_t term = 0;
  bool success = false;
  std::optional<int64_t> last_log_index{};
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport, and in HeartbeatsResponse
  std::optional<bool> quiet{};           ///< ours: it needs no heartbeats until something happens
  std::optional<bool> together{};        ///< ours: it takes Heartbeats
  static void fields(auto& self, auto& visit) {
    visit(1, self.term);
    visit(2, self.success);
    visit(3, self.last_log_index);
    visit(99, self.error);
    visit(1000, self.quiet);
    visit(1001, self.together);
  }
  bool operator==(const AppendEntriesResponse&) const = default;
};

/// Ours: heartbeats of several groups from one node to another, which has said that it takes them (AppendEntriesResponse::together).
struct HeartbeatsRequest {
  static constexpr std::string_view kName = "sofa.raft.HeartbeatsRequest";
  static constexpr size_t kMost = 256;  ///< heartbeats in one message
  std::vector<AppendEntriesRequest> heartbeats{};
  static void fields(auto& self, auto& visit) { visit(1, self.heartbeats); }
  bool operator==(const HeartbeatsRequest&) const = default;
};

/// One answer to each, in their order; with an `error` where the node has no other answer.
struct HeartbeatsResponse {
  static constexpr std::string_view kName = "sofa.raft.HeartbeatsResponse";
  std::vector<AppendEntriesResponse> answers{};
  static void fields(auto& self, auto& visit) { visit(1, self.answers); }
  bool operator==(const HeartbeatsResponse&) const = default;
};

/// `uri`: "remote://ip:port/reader_id", where GetFile reads.
struct InstallSnapshotRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$InstallSnapshotRequest";
  std::string group_id{};
  std::string server_id{};
  std::string peer_id{};
  int64_t term = 0;
  SnapshotMeta meta{};
  std::string uri{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.server_id);
    visit(3, self.peer_id);
    visit(4, self.term);
    visit(5, self.meta);
    visit(6, self.uri);
  }
  bool operator==(const InstallSnapshotRequest&) const = default;
};

/// Whether a request was carried out, in which term.
template <FixedText Name>
struct TermResponse {
  static constexpr std::string_view kName = Name.view();
  int64_t term = 0;
  bool success = false;
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.term);
    visit(2, self.success);
    visit(99, self.error);
  }
  bool operator==(const TermResponse&) const = default;
};
using InstallSnapshotResponse = TermResponse<"com.alipay.sofa.jraft.rpc.RpcRequests$InstallSnapshotResponse">;
using TimeoutNowResponse = TermResponse<"com.alipay.sofa.jraft.rpc.RpcRequests$TimeoutNowResponse">;

/// The receiver is to campaign at once.
struct TimeoutNowRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$TimeoutNowRequest";
  std::string group_id{};
  std::string server_id{};
  std::string peer_id{};
  int64_t term = 0;
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.server_id);
    visit(3, self.peer_id);
    visit(4, self.term);
  }
  bool operator==(const TimeoutNowRequest&) const = default;
};

/// `entries`: contexts of the reads, which the answer does not repeat.
struct ReadIndexRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$ReadIndexRequest";
  std::string group_id{};
  std::string server_id{};
  std::vector<Bytes> entries{};
  std::optional<std::string> peer_id{};
  std::optional<ReadOnlyType> read_only{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.server_id);
    visit(3, self.entries);
    visit(4, self.peer_id);
    visit(5, self.read_only);
  }
  bool operator==(const ReadIndexRequest&) const = default;
};

struct ReadIndexResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$ReadIndexResponse";
  int64_t index = 0;
  bool success = false;
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.index);
    visit(2, self.success);
    visit(99, self.error);
  }
  bool operator==(const ReadIndexResponse&) const = default;
};

struct GetFileRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$GetFileRequest";
  int64_t reader_id = 0;
  std::string filename{};
  int64_t count = 0;
  int64_t offset = 0;
  std::optional<bool> read_partly{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.reader_id);
    visit(2, self.filename);
    visit(3, self.count);
    visit(4, self.offset);
    visit(5, self.read_partly);
  }
  bool operator==(const GetFileRequest&) const = default;
};

/// `read_size`: -1 at the end, although the data is all there.
struct GetFileResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.RpcRequests$GetFileResponse";
  bool eof = false;
  Bytes data{};
  std::optional<int64_t> read_size{};
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.eof);
    visit(2, self.data);
    visit(3, self.read_size);
    visit(99, self.error);
  }
  bool operator==(const GetFileResponse&) const = default;
};

/// Adds or removes one member.
template <FixedText Name>
struct PeerRequest {
  static constexpr std::string_view kName = Name.view();
  std::string group_id{};
  std::string leader_id{};
  std::string peer_id{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.leader_id);
    visit(3, self.peer_id);
  }
  bool operator==(const PeerRequest&) const = default;
};
using AddPeerRequest = PeerRequest<"com.alipay.sofa.jraft.rpc.CliRequests$AddPeerRequest">;
using RemovePeerRequest = PeerRequest<"com.alipay.sofa.jraft.rpc.CliRequests$RemovePeerRequest">;

/// The members before and behind a change.
template <FixedText Name>
struct PeersResponse {
  static constexpr std::string_view kName = Name.view();
  std::vector<std::string> old_peers{};
  std::vector<std::string> new_peers{};
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.old_peers);
    visit(2, self.new_peers);
    visit(99, self.error);
  }
  bool operator==(const PeersResponse&) const = default;
};
using AddPeerResponse = PeersResponse<"com.alipay.sofa.jraft.rpc.CliRequests$AddPeerResponse">;
using RemovePeerResponse = PeersResponse<"com.alipay.sofa.jraft.rpc.CliRequests$RemovePeerResponse">;
using ChangePeersResponse = PeersResponse<"com.alipay.sofa.jraft.rpc.CliRequests$ChangePeersResponse">;

struct ChangePeersRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$ChangePeersRequest";
  std::string group_id{};
  std::string leader_id{};
  std::vector<std::string> new_peers{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.leader_id);
    visit(3, self.new_peers);
  }
  bool operator==(const ChangePeersRequest&) const = default;
};

/// Answered with ErrorResponse.
struct ResetPeerRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$ResetPeerRequest";
  std::string group_id{};
  std::string peer_id{};
  std::vector<std::string> old_peers{};
  std::vector<std::string> new_peers{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.peer_id);
    visit(3, self.old_peers);
    visit(4, self.new_peers);
  }
  bool operator==(const ResetPeerRequest&) const = default;
};

/// Answered with ErrorResponse, when the snapshot is saved.
struct SnapshotRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$SnapshotRequest";
  std::string group_id{};
  std::optional<std::string> peer_id{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.peer_id);
  }
  bool operator==(const SnapshotRequest&) const = default;
};

/// Answered with ErrorResponse, when it is accepted.
struct TransferLeaderRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$TransferLeaderRequest";
  std::string group_id{};
  std::string leader_id{};
  std::optional<std::string> peer_id{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.leader_id);
    visit(3, self.peer_id);
  }
  bool operator==(const TransferLeaderRequest&) const = default;
};

struct GetLeaderRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$GetLeaderRequest";
  std::string group_id{};
  std::optional<std::string> peer_id{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.peer_id);
  }
  bool operator==(const GetLeaderRequest&) const = default;
};

struct GetLeaderResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$GetLeaderResponse";
  std::string leader_id{};
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.leader_id);
    visit(99, self.error);
  }
  bool operator==(const GetLeaderResponse&) const = default;
};

struct GetPeersRequest {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$GetPeersRequest";
  std::string group_id{};
  std::optional<std::string> leader_id{};
  std::optional<bool> only_alive{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.leader_id);
    visit(3, self.only_alive);
  }
  bool operator==(const GetPeersRequest&) const = default;
};

struct GetPeersResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$GetPeersResponse";
  std::vector<std::string> peers{};
  std::vector<std::string> learners{};
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.peers);
    visit(2, self.learners);
    visit(99, self.error);
  }
  bool operator==(const GetPeersResponse&) const = default;
};

/// Answered with LearnersOpResponse.
template <FixedText Name>
struct LearnersRequest {
  static constexpr std::string_view kName = Name.view();
  std::string group_id{};
  std::string leader_id{};
  std::vector<std::string> learners{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.group_id);
    visit(2, self.leader_id);
    visit(3, self.learners);
  }
  bool operator==(const LearnersRequest&) const = default;
};
using AddLearnersRequest = LearnersRequest<"com.alipay.sofa.jraft.rpc.CliRequests$AddLearnersRequest">;
using RemoveLearnersRequest = LearnersRequest<"com.alipay.sofa.jraft.rpc.CliRequests$RemoveLearnersRequest">;
using ResetLearnersRequest = LearnersRequest<"com.alipay.sofa.jraft.rpc.CliRequests$ResetLearnersRequest">;

struct LearnersOpResponse {
  static constexpr std::string_view kName = "com.alipay.sofa.jraft.rpc.CliRequests$LearnersOpResponse";
  std::vector<std::string> old_learners{};
  std::vector<std::string> new_learners{};
  std::optional<ErrorResponse> error{};  ///< of the gRPC transport alone
  static void fields(auto& self, auto& visit) {
    visit(1, self.old_learners);
    visit(2, self.new_learners);
    visit(99, self.error);
  }
  bool operator==(const LearnersOpResponse&) const = default;
};

/// Any of them, by the class name of a frame.
using Message = std::variant<ErrorResponse, PingRequest, RequestVoteRequest, RequestVoteResponse, AppendEntriesRequest, AppendEntriesResponse,
                             InstallSnapshotRequest, InstallSnapshotResponse, TimeoutNowRequest, TimeoutNowResponse, ReadIndexRequest,
                             ReadIndexResponse, GetFileRequest, GetFileResponse, AddPeerRequest, AddPeerResponse, RemovePeerRequest,
                             RemovePeerResponse, ChangePeersRequest, ChangePeersResponse, ResetPeerRequest, SnapshotRequest, TransferLeaderRequest,
                             GetLeaderRequest, GetLeaderResponse, GetPeersRequest, GetPeersResponse, AddLearnersRequest, RemoveLearnersRequest,
                             ResetLearnersRequest, LearnersOpResponse, HeartbeatsRequest, HeartbeatsResponse>;

/// The header that AppendEntries alone has in its Bolt frame: the first three fields of its body, again (jraft.md 1.1).
Bytes append_header(const AppendEntriesRequest& request);

namespace detail {

template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

/// Writes each field that is visited.
struct MessageWriter {
  ProtobufWriter& to;
  template <class T>
  void operator()(uint32_t number, const T& value) {
    if constexpr (IsList<T>::value) {
      for (const auto& item : value) (*this)(number, item);
    } else if constexpr (IsOptional<T>::value) {
      if (value) (*this)(number, *value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      to.bytes(number, as_bytes(value));
    } else if constexpr (std::is_same_v<T, Bytes>) {
      to.bytes(number, value.span());
    } else if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      to.present_number(number, static_cast<uint64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
      to.present_number(number, static_cast<uint64_t>(static_cast<int64_t>(value)));
    } else {
      to.message(number, [&](ProtobufWriter& inner) {
        MessageWriter writer{inner};
        T::fields(value, writer);
      });
    }
  }
};

/// Puts one field of the bytes where it belongs. `source` holds them, so that Bytes are slices of it.
struct MessageReader {
  const ProtobufFields::Field& field;
  const Bytes& source;
  bool broken = false;
  template <class T>
  void operator()(uint32_t number, T& value) {
    if (field.number == number) take(value);
  }

 private:
  template <class T>
  void take(T& value) {
    if constexpr (IsList<T>::value) {
      take(value.emplace_back());
    } else if constexpr (IsOptional<T>::value) {
      take(value.emplace());
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (need(!field.is_number)) value = as_text(field.bytes);
    } else if constexpr (std::is_same_v<T, Bytes>) {
      if (need(!field.is_number)) value = source.slice(static_cast<size_t>(field.bytes.data() - source.data()), field.bytes.size());
    } else if constexpr (std::is_enum_v<T>) {
      if (need(field.is_number)) value = static_cast<T>(field.value);
    } else if constexpr (std::is_same_v<T, bool>) {
      if (need(field.is_number)) value = field.value != 0;
    } else if constexpr (std::is_integral_v<T>) {
      if (need(field.is_number)) value = static_cast<T>(field.value);
    } else {
      if (need(!field.is_number)) broken = !read(field.bytes, source, value);
    }
  }
  bool need(bool kind) { return broken |= !kind, kind; }

 public:
  template <class T>
  static bool read(ByteSpan bytes, const Bytes& source, T& into) {
    ProtobufFields fields(bytes);
    while (const auto field = fields.next_of_any_kind()) {
      MessageReader reader{*field, source};
      T::fields(into, reader);
      if (reader.broken) return false;
    }
    return !fields.is_broken();
  }
};

}  // namespace detail

template <class M>
Bytes encode(const M& message) {
  Buffer out;
  ProtobufWriter to(out);
  detail::MessageWriter writer{to};
  M::fields(message, writer);
  return out.take();
}

/// Bytes of the message are slices of `content`.
template <class M>
Result<M> decode(const Bytes& content) {
  M message;
  if (!detail::MessageReader::read(content.span(), content, message)) return fail(Code::invalid_argument, "the content is no {}", M::kName);
  return message;
}

/// By the class name of a frame; an error for a name that is none of ours.
Result<Message> decode_message(std::string_view class_name, const Bytes& content);

/// A file of one message (jraft.md 4.3), with the name of its type.
template <class M>
Bytes encode_file(const M& message) {
  const Bytes content = encode(message);
  Buffer out;
  out.append_be32(static_cast<uint32_t>(M::kProtoName.size()));
  out.append(M::kProtoName);
  out.append_be32(static_cast<uint32_t>(content.size()));
  out.append(content.span());
  return out.take();
}
/// The content of such a file; `proto_name` is what its type must be.
Result<Bytes> content_of_file(const Bytes& file, std::string_view proto_name);
template <class M>
Result<M> decode_file(const Bytes& file) {
  auto content = content_of_file(file, M::kProtoName);
  if (!content) return forward_error(content);
  M message;
  if (!detail::MessageReader::read(content->span(), *content, message)) return fail(Code::data_loss, "the file's content is no {}", M::kProtoName);
  return message;
}

}  // namespace sofa::jraft
