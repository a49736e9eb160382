// Snapshots of a member: saved, offered to peers that lag too far, fetched from a leader (jraft.md 2.10).
#include "sofa/base/text.h"
#include "sofa/io/later.h"
#include "sofa/state/raft/detail/node_impl.h"
#include "sofa/state/raft_core/members.h"

namespace sofa::raft::detail {

using io::or_return;
using jraft::RaftError;
using jraft::Status;

namespace {
const Logger kLog{"raft"};
constexpr int kPieces = 4;  // of a snapshot that C++ nodes have made, fetched at once
}  // namespace

// Saved.

io::Task<Result<void>> NodeImpl::snapshot() {
  if (!machine_->has_snapshots()) co_return std::unexpected(error_of({RaftError::einval, "this state machine has no snapshots"}));
  if (saving_) co_return std::unexpected(error_of({RaftError::ebusy, "Is saving another snapshot."}));
  if (fetch_ != nullptr || machine_busy_) co_return std::unexpected(error_of({RaftError::ebusy, "Is loading another snapshot."}));
  saving_ = true;
  auto saved = co_await save_snapshot();
  saving_ = false;
  if (!saved) kLog.error("no snapshot", {{"group", options_.group}, {"node", self_.to_string()}, {"error", saved.error()}});
  co_return saved;
}

io::Task<Result<void>> NodeImpl::save_snapshot() {
  if (applied_ <= core_->log().snapshot().index) co_return Result<void>{};
  // It is begun as one of this entry: nothing is applied until save() has seen the state.
  machine_busy_ = true;
  auto begun_writer = co_await snapshots_->begin(applied_);
  machine_busy_ = false;
  tasks_.spawn("raft: applies what has waited", apply_waiting());
  auto writer = co_await or_return(std::move(begun_writer));
  if (fetch_ != nullptr) co_return std::unexpected(error_of({RaftError::ebusy, "Is loading another snapshot."}));
  const LogId id{.index = applied_, .term = core_->log().term_of(applied_)};
  auto members = core_->log().members_at(applied_);
  const Instant begun = now();
  co_await or_return(save(*writer));  // runs to its first wait before anything else is applied
  note(Timed::fsm_snapshot_save, now() - begun);
  KeptSnapshot kept = co_await or_return(snapshots_->finish(*writer, id, members));
  if (id.index <= kept_.snapshot.id.index) co_return Result<void>{};  // one of the leader's has come meanwhile
  co_await or_return(keep_snapshot(std::move(writer), std::move(kept)));
  kLog.info("snapshot saved", {{"group", options_.group},
                               {"node", self_.to_string()},
                               {"index", id.index},
                               {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(now() - begun).count()}});
  input([&](Core& core) { core.snapshot_saved(now(), id, std::move(members)); });
  co_return Result<void>{};
}

io::Task<void> NodeImpl::apply_waiting() {
  if (stopped_) co_return;
  drive();
  release_reads();
}

namespace {
constexpr const char* kSessionsFile = "__sessions";
}  // namespace

io::Task<Result<void>> NodeImpl::save(SnapshotWriter& to) {
  const Bytes sessions = sessions_ ? sessions_->encode() : Bytes();  // as they are now
  co_await or_return(machine_->save(to));
  if (sessions_) co_await or_return(to.put(kSessionsFile, sessions));
  co_return Result<void>{};
}

io::Task<Result<void>> NodeImpl::load(SnapshotReader& from) {
  if (sessions_) co_await or_return(sessions_->decode(co_await or_return(from.get(kSessionsFile))));
  co_await or_return(machine_->load(from));
  co_return Result<void>{};
}

/// Names it in the group's record; from then on it is the newest.
io::Task<Result<void>> NodeImpl::keep_snapshot(std::unique_ptr<SnapshotWriter> writer, KeptSnapshot kept) {
  kept_.snapshot = kept;
  co_await or_return(save_kept());
  snapshots_->set_newest(std::move(writer), std::move(kept));
  co_return Result<void>{};
}

io::Task<Result<void>> NodeImpl::save_kept() {
  io::Later<bool> saved;
  log_.save(kept_, [give = saved.giver()] { give(true); });
  co_await or_return(saved.wait());
  co_return Result<void>{};
}

void NodeImpl::arm_snapshot(bool first) {
  if (options_.snapshot_interval <= Duration() || !machine_->has_snapshots()) return;
  const auto whole = options_.snapshot_interval.count();
  const Duration wait(first ? random_.uniform(whole / 2, whole) : whole);
  io::Shard::current().schedule(snapshot_timer_, now() + wait);
}

void NodeImpl::snapshot_due() {
  arm_snapshot(false);
  if (saving_ || stopped_ || !core_->is_active() || applied_ - core_->log().snapshot().index <= options_.snapshot_log_margin) return;
  tasks_.spawn("raft: saves a snapshot",
               [](NodeImpl& node) -> io::Task<void> { [[maybe_unused]] const auto saved = co_await node.snapshot(); }(*this));
}

// Offered.

void NodeImpl::perform(effect::OfferSnapshot& one) {
  auto reader = snapshots_->open_newest();
  if (reader == nullptr) {
    core_->snapshot_not_opened(now(), one.number, {RaftError::enoent, "there is no snapshot"});
    return;
  }
  const KeptSnapshot& kept = reader->kept();
  jraft::SnapshotMeta meta = meta_of(kept.id, kept.members != nullptr ? *kept.members : Membership());
  const int64_t id = shared_.file_service.add(std::move(reader));
  offered_[one.number] = id;
  kLog.info("snapshot offered",
            {{"group", options_.group}, {"node", self_.to_string()}, {"to", one.to.to_string()}, {"index", meta.last_included_index}});
  core_->snapshot_opened(now(), one.number, std::move(meta), fmt::format("remote://{}/{}", shared_.address, id));
}

void NodeImpl::perform(effect::CloseSnapshot& one) {
  const auto found = offered_.find(one.number);
  if (found == offered_.end()) return;
  shared_.file_service.remove(found->second);
  offered_.erase(found);
}

// Fetched.

namespace {

struct Source {
  std::string address;
  int64_t reader_id = 0;
};

Result<Source> source_of(std::string_view uri) {
  constexpr std::string_view kScheme = "remote://";
  const size_t slash = uri.rfind('/');
  Source source;
  if (uri.starts_with(kScheme) && slash > kScheme.size() && slash != std::string_view::npos) {
    source.address = uri.substr(kScheme.size(), slash - kScheme.size());
    source.reader_id = whole_number<int64_t>(uri.substr(slash + 1)).value_or(-1);
    if (source.reader_id >= 0) return source;
  }
  return fail(Code::invalid_argument, "the address '{}' of a snapshot is not of the form remote://ip:port/reader", uri);
}

}  // namespace

void NodeImpl::perform(effect::FetchSnapshot& one) {
  fetch_ = std::make_shared<Fetch>(one.number, tasks_.scope());
  tasks_.spawn("raft: fetches a snapshot", fetch(fetch_, std::move(one)));
}

void NodeImpl::perform(effect::CancelFetch& one) {
  if (fetch_ == nullptr || fetch_->number != one.number) return;
  fetch_->scope.cancel(Error(Code::cancelled, "another snapshot, or none, is wanted"));
  fetch_ = nullptr;
}

io::Task<void> NodeImpl::fetch(std::shared_ptr<Fetch> fetch, effect::FetchSnapshot one) {
  auto fetched = co_await fetch_into_place(*fetch, one).in(fetch->scope);
  if (stopped_) co_return;
  if (fetched) {
    machine_tasks_.emplace_back(LoadSnapshot{fetch->number});
    drive();
    co_return;
  }
  kLog.warn("snapshot not fetched", {{"group", options_.group}, {"node", self_.to_string()}, {"from", one.uri}, {"error", fetched.error()}});
  if (fetch_ == fetch) fetch_ = nullptr;
  input([&](Core& core) { core.snapshot_loaded(now(), one.number, status_of(fetched.error())); });
}

io::Task<Result<void>> NodeImpl::fetch_into_place(Fetch& fetch, const effect::FetchSnapshot& one) {
  if (saving_) co_return std::unexpected(error_of({RaftError::ebusy, "Node is saving snapshot."}));
  // It was fetched before, and not wanted any more when it was named: it need not come again.
  if (kept_.snapshot.id.index >= one.meta.last_included_index) co_return Result<void>{};
  const Source source = co_await or_return(source_of(one.uri));
  auto writer = co_await or_return(snapshots_->begin(one.meta.last_included_index));
  const auto own = snapshots_->open_newest();
  const AskFile ask = [this, &source](jraft::GetFileRequest request) -> io::Task<Result<jraft::Message>> {
    return shared_.peers.ask(source.address, std::move(request), std::chrono::seconds(10));
  };
  co_await or_return(fetch_snapshot(ask, source.reader_id, one.meta, *writer, own.get(), shared_.throttle, {.parallel = kPieces}, fetch.progress));
  const LogId id{.index = one.meta.last_included_index, .term = one.meta.last_included_term};
  auto members = std::make_shared<const Membership>(co_await or_return(members_of(one.meta)));
  KeptSnapshot kept = co_await or_return(snapshots_->finish(*writer, id, std::move(members)));
  if (id.index <= kept_.snapshot.id.index) co_return fail(Code::aborted, "a newer snapshot has been saved meanwhile");
  co_await or_return(keep_snapshot(std::move(writer), std::move(kept)));
  kLog.info("snapshot fetched", {{"group", options_.group},
                                 {"node", self_.to_string()},
                                 {"from", source.address},
                                 {"index", id.index},
                                 {"bytes", fetch.progress.bytes},
                                 {"files", fetch.progress.files}});
  co_return Result<void>{};
}

/// The record names it already: whether it is still wanted is no question any more.
io::Task<void> NodeImpl::load_fetched(uint64_t number) {
  const auto reader = snapshots_->open_newest();
  const Instant begun = now();
  Result<void> loaded = co_await load(*reader);
  note(Timed::fsm_snapshot_load, now() - begun);
  machine_busy_ = false;
  if (fetch_ != nullptr && fetch_->number == number) fetch_ = nullptr;
  if (stopped_) co_return;
  if (!loaded) {
    input([&](Core& core) { core.fail(now(), {RaftError::estatemachine, loaded.error().to_string()}); });
    co_return;
  }
  applied_ = std::max(applied_, reader->kept().id.index);
  end_waiting_before(applied_ + 1);
  input([&](Core& core) { core.snapshot_loaded(now(), number, {}); });
  release_reads();
}

}  // namespace sofa::raft::detail
