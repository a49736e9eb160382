// Any bytes as what our nodes keep, and as our own messages: the first byte chooses, the rest is its content. What is read is written and read again
// to the same; anything else is an error that says why, and a folder that is not the node's is left as it was.
#include "input.h"
#include "must.h"
#include "sofa/state/log/testing/fault_file_system.h"
#include "sofa/state/raft/describe.h"
#include "sofa/state/raft/detail/folder.h"
#include "sofa/state/raft_core/records.h"

namespace {

using namespace sofa;
using namespace sofa::raft;
using fuzz::must;
using fuzz::must_say_why;

/// Term, vote and the newest snapshot.
void check_kept(const Bytes& content) {
  const auto kept = decode_kept(content);
  must_say_why(kept);
  if (!kept) return;
  const auto again = decode_kept(encode_kept(*kept));
  must(again && again->state == kept->state && again->snapshot.id == kept->snapshot.id && again->snapshot.files == kept->snapshot.files);
}

/// index u8, whether its record says that it holds members u8, payload
void check_entry(const Bytes& content) {
  fuzz::Input input(content.span());
  const int64_t index = input.byte();
  const uint64_t term = 7 | ((input.byte() & 1) != 0 ? kConfigurationBit : 0);
  const auto entry = decode_entry_record(index, term, input.rest());
  must_say_why(entry);
  if (!entry) return;
  must(entry->id == LogId{.index = index, .term = 7});
  const auto again = decode_entry_record(index, record_term(*entry), encode_entry_record(*entry));
  must(again && again->type == entry->type && again->data == entry->data && again->checksum == entry->checksum);
  must((again->membership == nullptr) == (entry->membership == nullptr));
}

/// Records of a whole log, each as check_entry has it: length u16 BE, bytes. The newest snapshot ends before the first one.
void check_log(const Bytes& content) {
  fuzz::Input input(content.span());
  std::vector<std::pair<uint64_t, Bytes>> records;
  while (!input.empty() && records.size() < 100) {
    const bool members = (input.byte() & 1) != 0;
    records.emplace_back(1 + records.size() / 3 | (members ? kConfigurationBit : 0), input.bytes());
  }
  const auto at = [&](int64_t index) -> const auto& { return records[static_cast<size_t>(index - 1)]; };
  const auto found = find_log(
      {}, 1, static_cast<int64_t>(records.size()), [&](int64_t index) { return at(index).first; },
      [&](int64_t index) { return decode_entry_record(index, at(index).first, at(index).second); });
  must_say_why(found);
  if (!found) return;
  for (const auto& [index, members] : found->members) must((at(index).first & kConfigurationBit) != 0 && members != nullptr);
}

/// The file `identity` of a folder.
void check_identity(const Bytes& content) {
  log::testing::FaultFileSystem files;
  files.put("/data/identity", {content.begin(), content.end()});
  const auto claimed = raft::detail::claim_folder(files, "/data", "127.0.0.1:1 (group g)");
  must_say_why(claimed);
  must(claimed.has_value() == (content.text() == "sofa-raft 1\n127.0.0.1:1 (group g)\n"));
  auto file = files.open("/data/identity", log::OpenMode::read);
  must(file.has_value() && log::read_all(**file).value() == content);
}

template <class M>
void check_message(const Bytes& content) {
  const auto message = jraft::decode<M>(content);
  must_say_why(message);
  if (message) must(jraft::decode<M>(jraft::encode(*message)).value() == *message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr void (*kChecks[])(const Bytes&) = {
      check_kept, check_entry, check_log, check_identity, check_message<DescribeRequest>, check_message<DescribeResponse>};
  kChecks[data[0] % std::size(kChecks)](Bytes::copy_of(ByteSpan(data + 1, size - 1)));
  return 0;
}
