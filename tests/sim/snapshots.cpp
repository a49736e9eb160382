// Replica: its snapshots, as files on the machine's disk. A snapshot is what the newest record names; its files are complete and durable before.
#include <cmath>

#include "replica.h"
#include "sofa/base/crc.h"
#include "sofa/state/raft_core/members.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft_sim {

using jraft::RaftError;
using raft::KeptFile;
using raft::KeptSnapshot;
using raft::Plant;
using raft::planted;
namespace effect = raft::effect;

namespace {
constexpr int kFetchAttempts = 4;

Result<Bytes> read_file(log::FileSystem& files, const std::string& path) {
  auto file = files.open(path, log::OpenMode::read);
  if (!file) return forward_error(file);
  return log::read_all(**file);
}
}  // namespace

/// The state machine of the snapshot that the records name. Errors: data_loss.
Result<void> Replica::recover_snapshot() {
  if (kept_.snapshot.id.index == 0) return {};
  Kv kv;
  if (!load(kept_.snapshot, kv)) {
    return fail(Code::data_loss, "the files of the snapshot {} of the group {} are damaged", kept_.snapshot.id.index, group_);
  }
  world_.marks.reach("started from a snapshot");
  kv_ = std::move(kv);
  applied_ = apply_target_ = kept_.snapshot.id.index;
  truth_.on_state(machine_.number, applied_, kv_.hash());
  truth_.on_snapshot_members(machine_.number, applied_, *kept_.snapshot.members);
  return {};
}

bool Replica::load(const KeptSnapshot& snapshot, Kv& into) {
  std::vector<Bytes> contents;
  for (const KeptFile& file : snapshot.files) {
    auto bytes = read_file(machine_.disk.files(), folder() + "/" + file.name);
    if (!bytes || static_cast<int64_t>(bytes->size()) != file.size || crc32c(*bytes) != file.crc32c) return false;
    contents.push_back(std::move(*bytes));
  }
  return contents.size() == 2 && into.load(contents[0], contents[1]);
}

Result<std::vector<KeptFile>> Replica::write_files(const std::vector<std::pair<std::string, Bytes>>& files, int64_t index) {
  log::FileSystem& disk = machine_.disk.files();
  std::vector<KeptFile> kept;
  for (const auto& [name, bytes] : files) {
    kept.push_back(
        {.name = fmt::format("{}-{}-{}", index, world_.world.events(), name), .size = static_cast<int64_t>(bytes.size()), .crc32c = crc32c(bytes)});
    auto file = disk.open(folder() + "/" + kept.back().name, log::OpenMode::create);
    if (!file) return forward_error(file);
    if (auto done = log::write_all(**file, 0, bytes); !done) return forward_error(done);
    if (planted(Plant::snapshot_not_synced)) continue;
    if (auto done = (*file)->sync(); !done) return forward_error(done);
  }
  if (planted(Plant::snapshot_not_synced)) return kept;
  if (auto done = disk.sync_folder(folder()); !done) return forward_error(done);
  return kept;
}

/// What nothing names and nobody reads; not while files wait for their name, or a name is on its way to the disk.
void Replica::drop_other_files() {
  if (snapshotting_ || kept_.snapshot.id.index != durable_.snapshot) return;
  log::FileSystem& disk = machine_.disk.files();
  auto names = disk.list(folder());
  if (!names) return;
  const auto has = [](const KeptSnapshot& snapshot, const std::string& name) {
    return std::ranges::find(snapshot.files, name, &KeptFile::name) != snapshot.files.end();
  };
  for (const std::string& name : *names) {
    const bool read = std::ranges::any_of(readers_, [&](const auto& one) { return has(one.second, name); });
    if (!read && !has(kept_.snapshot, name)) (void)disk.unlink(folder() + "/" + name);
  }
}

void Replica::take_snapshot() {
  if (core_ == nullptr || snapshotting_ || fetch_ || applied_ <= kept_.snapshot.id.index) return;
  LogId id{.index = applied_, .term = core_->log().term_of(applied_)};
  if (id.term == 0) return;
  auto members = core_->log().members_at(applied_);
  if (members->is_joint()) world_.marks.reach("snapshot within a change of members");
  if (planted(Plant::snapshot_behind_its_index) && core_->commit_index() > applied_)
    id = {.index = applied_ + 1, .term = core_->log().term_of(applied_ + 1)};
  snapshotting_ = true;
  auto files = write_files(
      {{"data", kv_.encode_map()}, {"sessions", planted(Plant::session_forgotten_in_snapshot) ? Bytes() : kv_.encode_sessions()}}, id.index);
  if (machine_.died()) return;
  if (!files) {
    snapshotting_ = false;
    world_.marks.reach("snapshot not saved");
    return drop_other_files();
  }
  machine_.later(machine_.disk.take_latency(), [this, life = life_, id, members, files = std::move(*files)]() mutable {
    if (life != life_) return;
    snapshotting_ = false;
    if (kept_.snapshot.id.index >= id.index || fetch_) return;
    kept_.snapshot = {.id = id, .members = members, .files = std::move(files)};
    save_kept([this, id, members] {
      durable_.snapshot = std::max(durable_.snapshot, id.index);
      world_.marks.reach("snapshot saved");
      if (!fetch_) drop_other_files();
      input([&](Core& core, Instant now) { core.snapshot_saved(now, id, members); });
    });
  });
}

// Giving one away.

void Replica::perform(effect::OfferSnapshot& one) {
  machine_.later(std::chrono::microseconds(100), [this, life = life_, one] {
    if (life != life_) return;
    if (kept_.snapshot.id.index == 0 || kept_.snapshot.id.index != core_->log().snapshot().index) {
      return input([&](Core& core, Instant now) { core.snapshot_not_opened(now, one.number, {RaftError::enoent, "there is no snapshot"}); });
    }
    const uint64_t reader = next_reader_++;
    readers_[reader] = kept_.snapshot;
    offers_[one.number] = reader;
    auto meta = raft::meta_of(kept_.snapshot.id, *kept_.snapshot.members);
    input([&](Core& core, Instant now) { core.snapshot_opened(now, one.number, meta, fmt::format("{}/{}", machine_.number, reader)); });
  });
}

void Replica::perform(effect::CloseSnapshot& one) {
  const auto found = offers_.find(one.number);
  if (found == offers_.end()) return;
  readers_.erase(found->second);
  offers_.erase(found);
}

Replica::Chunk Replica::read_chunk(const ChunkRequest& request) {
  const auto found = readers_.find(request.reader);
  if (found == readers_.end() || request.file >= found->second.files.size()) return {};
  Chunk chunk{.good = true, .files = found->second.files};
  auto file = machine_.disk.files().open(folder() + "/" + chunk.files[request.file].name, log::OpenMode::read);
  if (file) chunk.bytes.resize(world_.options.snapshot_chunk);
  auto read = file ? (*file)->read_at(request.offset, chunk.bytes) : Result<size_t>(forward_error(file));
  if (!read) {
    world_.world.trace("{}.{} cannot read its snapshot: {}", machine_.number, group_, read.error().to_string());
    return {};
  }
  chunk.bytes.resize(*read);
  return chunk;
}

// Taking one.

void Replica::perform(effect::FetchSnapshot& one) {
  const size_t slash = one.uri.find('/');
  fetch_ = Fetch{.number = one.number,
                 .reader = std::strtoull(one.uri.c_str() + slash + 1, nullptr, 10),
                 .source = std::atoi(one.uri.c_str()),
                 .meta = one.meta};
  world_.marks.reach("snapshot fetched");
  fetch_next();
}

void Replica::perform(effect::CancelFetch& one) {
  if (!fetch_ || fetch_->number != one.number || fetch_->named) return;
  world_.marks.reach("fetch cancelled");
  fetch_.reset();
}

void Replica::fetch_next() {
  const ChunkRequest asked{
      .reader = fetch_->reader, .file = fetch_->file, .offset = fetch_->file < fetch_->bytes.size() ? fetch_->bytes[fetch_->file].size() : 0};
  const uint64_t number = fetch_->number;
  const int source = fetch_->source, attempt = fetch_->attempts;
  const uint64_t connection = world_.network.connect(machine_.number, source, RaftWorld::kFiles);
  const bool sent = world_.network.send(connection, sim::Way::there, 100, [this, connection, source, asked, number, attempt, life = life_] {
    Machine& from = world_.machine(source);
    from.enter([this, &from, connection, asked, number, attempt, life] {
      Chunk chunk = from.replica(group_).read_chunk(asked);
      if (from.died()) return;
      from.later(from.disk.take_latency(), [this, connection, asked, number, attempt, life, chunk = std::move(chunk)]() mutable {
        const size_t size = 100 + chunk.bytes.size();
        (void)world_.network.send(connection, sim::Way::back, size, [this, asked, number, attempt, life, chunk = std::move(chunk)]() mutable {
          machine_.enter([this, asked, number, attempt, life, chunk = std::move(chunk)]() mutable {
            if (life == life_ && fetch_ && fetch_->number == number && fetch_->attempts == attempt && !fetch_->named)
              fetched(asked, std::move(chunk));
          });
        });
      });
    });
  });
  if (!sent) {
    machine_.later(std::chrono::milliseconds(5), [this, life = life_, number, attempt] {
      if (life == life_ && fetch_ && fetch_->number == number && fetch_->attempts == attempt && !fetch_->named) fetch_failed("nobody listens");
    });
    return;
  }
  machine_.later(std::chrono::seconds(3), [this, life = life_, number, attempt, asked] {
    if (life != life_ || !fetch_ || fetch_->number != number || fetch_->attempts != attempt || fetch_->named) return;
    const size_t have = fetch_->file < fetch_->bytes.size() ? fetch_->bytes[fetch_->file].size() : 0;
    if (fetch_->file == asked.file && have == asked.offset) fetch_failed("no answer");
  });
}

size_t Replica::fetched_bytes() const {
  if (!fetch_) return 0;
  size_t all = fetch_->number * 1'000'000'007 + static_cast<size_t>(fetch_->attempts) + fetch_->named;
  for (const auto& bytes : fetch_->bytes) all += bytes.size() * 10;
  return all;
}

void Replica::fetch_failed(const std::string& why) {
  ++fetch_->attempts;
  world_.world.trace("{}.{} fetch fails: {}", machine_.number, group_, why);
  if (fetch_->attempts < kFetchAttempts) {
    machine_.later(std::chrono::milliseconds(20), [this, life = life_, number = fetch_->number, attempt = fetch_->attempts] {
      if (life == life_ && fetch_ && fetch_->number == number && fetch_->attempts == attempt && !fetch_->named) fetch_next();
    });
    return;
  }
  const uint64_t number = fetch_->number;
  fetch_.reset();
  world_.marks.reach("fetch failed");
  input([&](Core& core, Instant now) { core.snapshot_loaded(now, number, {RaftError::eio, why}); });
}

void Replica::fetched(const ChunkRequest& asked, Chunk chunk) {
  Fetch& fetch = *fetch_;
  if (!chunk.good) return fetch_failed("the reader is closed");
  if (fetch.files.empty()) {
    fetch.files = chunk.files;
    fetch.bytes.resize(chunk.files.size());
  }
  Random& random = world_.world.random("snapshots");
  if (!chunk.bytes.empty() && random.chance(world_.options.snapshot_corrupted)) {
    chunk.bytes[random.uniform(chunk.bytes.size())] ^= 1;
    world_.marks.reach("snapshot corrupted on its way");
  }
  auto& bytes = fetch.bytes[asked.file];
  if (asked.offset != bytes.size()) return;
  bytes.insert(bytes.end(), chunk.bytes.begin(), chunk.bytes.end());
  const KeptFile& file = fetch.files[asked.file];
  if (static_cast<int64_t>(bytes.size()) >= file.size || chunk.bytes.empty()) {
    if (static_cast<int64_t>(bytes.size()) != file.size || crc32c(bytes) != file.crc32c) {
      bytes.clear();
      return fetch_failed("its checksum is not right");
    }
    ++fetch.file;
  }
  if (fetch.file < fetch.files.size()) return fetch_next();
  fetch_complete();
}

void Replica::fetch_complete() {
  Fetch& fetch = *fetch_;
  const LogId id{.index = fetch.meta.last_included_index, .term = fetch.meta.last_included_term};
  auto files = write_files({{"data", Bytes::copy_of(fetch.bytes[0])}, {"sessions", Bytes::copy_of(fetch.bytes[1])}}, id.index);
  if (machine_.died()) return;
  if (!files) {
    fetch.attempts = kFetchAttempts;
    drop_other_files();
    return fetch_failed(files.error().to_string());
  }
  if (planted(Plant::log_reset_before_snapshot_named) && core_->log().last() < id.index) {
    effect::ResetLog reset{.behind = id};
    perform(reset);
  }
  machine_.later(machine_.disk.take_latency(), [this, life = life_, id, number = fetch.number, files = std::move(*files)]() mutable {
    if (life != life_ || !fetch_ || fetch_->number != number) return;
    fetch_->named = true;
    const auto members = std::make_shared<const Membership>(*raft::members_of(fetch_->meta));
    truth_.on_snapshot_members(machine_.number, id.index, *members);
    if (kept_.snapshot.id.index < id.index) kept_.snapshot = {.id = id, .members = members, .files = std::move(files)};
    save_kept([this, id, number] {
      if (!fetch_ || fetch_->number != number) return;
      fetch_.reset();
      durable_.snapshot = std::max(durable_.snapshot, id.index);
      if (id.index > applied_ || planted(Plant::install_over_newer_state)) {
        Kv kv;
        if (!load(kept_.snapshot, kv)) {
          return input([&](Core& core, Instant now) { core.fail(now, {RaftError::eio, "the snapshot that was just written is not there"}); });
        }
        kv_ = std::move(kv);
        applied_ = id.index;
        apply_target_ = std::max(apply_target_, applied_);
        world_.marks.reach("snapshot installed");
        world_.world.trace("{}.{} has the snapshot {}", machine_.number, group_, id.index);
        truth_.on_state(machine_.number, applied_, kv_.hash());
        // What it holds is applied here without anybody having seen its result.
        while (!proposals_.empty() && proposals_.begin()->first <= applied_) {
          const Respond respond = std::move(proposals_.begin()->second.respond);
          proposals_.erase(proposals_.begin());
          if (respond) respond({.kind = Reply::Kind::failed});
        }
      }
      drop_other_files();
      const uint64_t alive = life_;
      input([&](Core& core, Instant now) { core.snapshot_loaded(now, number, {}); });
      if (alive == life_) after_apply();
    });
  });
}

}  // namespace sofa::raft_sim
