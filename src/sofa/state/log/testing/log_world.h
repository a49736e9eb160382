#pragma once
// A log without threads over a disk of the test's choice, and the model it must agree with: the state after the last acknowledged batch, or that
// state and the one batch whose write had not come back.

#include <random>

#include "sofa/base/random.h"
#include "sofa/state/log/detail/log_core.h"
#include "sofa/state/log/testing/fault_file_system.h"

namespace sofa::log::testing {

inline std::string payload_of(uint64_t stream, uint64_t index, uint64_t salt, size_t size) {
  std::string text = fmt::format("{}/{}/{}/", stream, index, salt);
  while (text.size() < size) text.push_back(static_cast<char>('a' + text.size() % 26));
  return text;
}

struct ModelStream {
  uint64_t first = 1;
  std::vector<std::pair<uint64_t, std::string>> entries;  // term, payload
  friend bool operator==(const ModelStream&, const ModelStream&) = default;
};
using Model = std::map<uint64_t, ModelStream>;

inline void apply(Model& model, const detail::Op& op) {
  ModelStream& stream = model[op.stream];
  switch (op.kind) {
    case Kind::entry:
      stream.entries.emplace_back(op.term, std::string(op.payload.text()));
      break;
    case Kind::truncate_suffix:
      while (!stream.entries.empty() && stream.first + stream.entries.size() > op.index) stream.entries.pop_back();
      break;
    case Kind::truncate_prefix:
      while (!stream.entries.empty() && stream.first <= op.index) {
        stream.entries.erase(stream.entries.begin());
        ++stream.first;
      }
      stream.first = std::max(stream.first, op.index + 1);
      break;
    default:
      break;
  }
}

inline LogOptions small_options() {
  LogOptions options;
  options.folder = "/log";
  options.segment_bytes = 64 << 10;
  options.max_record_bytes = 16 << 10;
  options.max_batch_bytes = 8 << 10;
  options.control_reserve_bytes = 4096;
  options.cache_bytes = 4096;
  return options;
}

/// What a log holds, every payload read back from the disk.
inline Result<Model> read_model(const detail::LogCore& core) {
  Model model;
  for (const auto& [id, stream] : core.table().streams()) {
    ModelStream& copy = model[id];
    copy.first = stream.first;
    for (size_t i = 0; i < stream.entries.size(); ++i) {
      const detail::Entry entry = stream.entries[i];
      auto payload = detail::read_entry(core.segments().at(entry.at.segment), id, stream.first + i, entry.at);
      if (!payload) return forward_error(payload);
      copy.entries.emplace_back(core.table().term_of(entry.term), std::string(payload->text()));
    }
  }
  return model;
}

/// Streams that were only touched (no entry, bounds 1..1) are as good as unknown.
inline Model normal(Model model) {
  std::erase_if(model, [](const auto& item) { return item.second == ModelStream{}; });
  return model;
}

class LogWorld {
 public:
  explicit LogWorld(FileSystem& files, LogOptions options = small_options()) : files_(files), options_(std::move(options)) {}

  Result<void> open() {
    auto recovered = open_folder(files_, options_);
    if (!recovered) return forward_error(recovered);
    notes = recovered->notes;
    writer_.emplace(*recovered);
    core.emplace(options_, std::move(*recovered));
    auto model = read_model(*core);
    if (!model) return forward_error(model);
    durable = *model;
    in_doubt.reset();
    return {};
  }

  /// Writes all that is staged. False when something failed; `last_error` tells.
  bool pump() {
    for (;;) {
      detail::Batch batch;
      const auto next = core->take(batch);
      if (next == detail::LogCore::Next::nothing) break;
      if (next == detail::LogCore::Next::need_segment) {
        if (!prepare()) {
          core->refuse_staged();
          return false;
        }
        continue;
      }
      Model after = durable;
      for (const detail::Op& op : batch.ops) apply(after, op);
      const auto outcome = writer_->write(batch);
      core->complete(batch, outcome);
      if (outcome.error) {
        last_error = outcome.error;
        in_doubt = after;
        core->refuse_staged();
        return false;
      }
      durable = std::move(after);
      in_doubt.reset();
    }
    while (auto path = core->take_deletable()) {
      if (!files_.unlink(*path) || !files_.sync_folder(options_.folder)) {
        core->fail_forever(Error(Code::unavailable, "not deleted"));
        return false;
      }
      ++deleted;
    }
    return true;
  }

  /// As the log does: after a refusal for want of space the next append tries to make the segment again.
  void retry_space() {
    if (core->no_segment() && !core->failed()) (void)prepare();
  }

  bool append(uint64_t stream, std::string_view payload, uint64_t term = 1) {
    retry_space();
    NewRecord record{stream, term, 0, Bytes::copy_of(payload)};
    auto staged = core->stage({&record, 1}, nullptr);
    if (!staged) last_error = staged.error();
    return staged && pump();
  }

  std::optional<detail::LogCore> core;
  Model durable;
  std::optional<Model> in_doubt;
  std::optional<Error> last_error;
  std::vector<std::string> notes;
  uint64_t deleted = 0;

 private:
  bool prepare() {
    const auto space = core->next_sequence() % 2 == 0 ? detail::Space::reserved : detail::Space::zeroed;
    auto made = detail::prepare_segment(files_, options_.folder, {core->next_sequence(), system_seed()}, options_.segment_bytes, space);
    if (made) {
      core->segment_ready(std::move(*made));
      return true;
    }
    last_error = made.error();
    if (made.error().code() == Code::resource_exhausted) {
      last_error = core->segment_refused(made.error());
    } else {
      core->fail_forever(made.error());
    }
    return false;
  }

  FileSystem& files_;
  LogOptions options_;
  std::optional<detail::BatchWriter> writer_;
};

/// One step of a random workload: a few appends, groups, truncations, moves, then a pump.
inline bool random_step(LogWorld& world, std::mt19937_64& random, uint64_t salt) {
  detail::LogCore& core = *world.core;
  world.retry_space();
  const size_t operations = 1 + random() % 6;
  for (size_t i = 0; i < operations; ++i) {
    const uint64_t stream = 1 + random() % 4;
    const detail::Stream* known = core.table().find(stream);
    const uint64_t next = known == nullptr ? 1 : known->staged_next, first = known == nullptr ? 1 : known->staged_first;
    const uint64_t dice = random() % 20;
    if (dice == 0) {
      (void)core.stage_truncate(Kind::truncate_suffix, stream, first + random() % (next - first + 1), nullptr);
    } else if (dice <= 2) {
      (void)core.stage_truncate(Kind::truncate_prefix, stream, first + random() % (next - first + 2) - 1, nullptr);
    } else if (dice == 3 && core.segments().size() > 1) {
      const uint64_t oldest = core.segments().begin()->first;
      for (const auto& [id, index] : core.table().entries_of(oldest)) {
        const detail::Entry entry = core.table().find(id)->entries[index - core.table().find(id)->first];
        auto payload = detail::read_entry(core.segments().at(oldest), id, index, entry.at);
        if (payload) core.stage_moved(id, index, oldest, *payload, true, nullptr);
      }
    } else {
      std::vector<NewRecord> group(dice < 6 ? 3 : 1);
      for (size_t j = 0; j < group.size(); ++j) {
        const size_t size = random() % 10 == 0 ? random() % 12000 : random() % 700;
        group[j] = {stream, salt, 0, Bytes::copy_of(payload_of(stream, next + j, salt, size))};
      }
      (void)core.stage(group, nullptr);
    }
  }
  return world.pump();
}

}  // namespace sofa::log::testing
