// The ledger process: double entry on a durable log. A receipt leaves it only after the entry is on disk.

#include "bank/bank_api.h"
#include "bank/journal.h"
#include "bank/names.h"
#include "sofa/boot/application.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"

namespace bank {
namespace {

struct JournalConfig {
  std::string folder;
  int64_t snapshot_every = JournalOptions{}.entries_between_snapshots;

  static auto describe(sofa::Description<JournalConfig>& d) {
    d.doc("Where the book is kept.");
    d.field("folder", &JournalConfig::folder).doc("where the book lives; made if missing").required();
    d.field("snapshot_every", &JournalConfig::snapshot_every).doc("a snapshot is written after so many entries").range(1, 20'000'000);
  }
};

// region: component
/// The journal as a component: open while the program runs, with its snapshots in the background.
class JournalComponent {
 public:
  explicit JournalComponent(JournalConfig config) : config_(std::move(config)) {}

  Task<Result<void>> start() {
    journal_ = co_await or_return(Journal::open({config_.folder, config_.snapshot_every, {}}));
    background_.emplace();
    co_return {};
  }
  Task<Result<void>> stop() {
    co_await or_return(background_->join());
    co_return co_await journal_->close();
  }
  sofa::boot::Health health() const {
    const sofa::Error* failure = journal_->failure();
    return failure == nullptr ? sofa::boot::Health::up() : sofa::boot::Health::down(failure->to_string());
  }

  const Book& book() const { return journal_->book(); }
  Task<Result<int64_t>> record(Entry entry) {
    const int64_t sequence = co_await or_return(journal_->record(std::move(entry)));
    if (journal_->snapshot_due()) background_->spawn("snapshot", journal_->write_snapshot());
    co_return sequence;
  }

 private:
  const JournalConfig config_;
  std::unique_ptr<Journal> journal_;
  std::optional<sofa::io::TaskGroup> background_;
};
// endregion

class LedgerService {
 public:
  static constexpr int32_t kMaxPage = 10'000;

  explicit LedgerService(sofa::boot::Ref<JournalComponent> journal) : journal_(std::move(journal)) {}

  // region: implement
  void implement(Ledger& ledger) {
    ledger.open_account.bind(this, &LedgerService::open_account);
    ledger.transfer.bind(this, &LedgerService::transfer);
    ledger.statement.bind(this, &LedgerService::statement);
  }
  // endregion

 private:
  Task<Result<Receipt>> open_account(std::string account, int64_t deposit) { return book(deposit_entry(account, deposit)); }
  Task<Result<Receipt>> transfer(Transfer t) { return book(transfer_entry(t.id, t.from, t.to, t.cents)); }

  Result<Statement> statement(const std::string& account, int64_t skip, int32_t limit) const {
    const Book& book = journal_->book();
    if (!book.has_account(account)) return fail(Code::not_found, "account '{}' is not open; open it first", account);
    const auto& lines = book.lines(account);
    Statement page{account, book.balance(account), static_cast<int64_t>(lines.size()), {}};
    const auto first = static_cast<size_t>(std::clamp<int64_t>(skip, 0, page.total));
    const size_t last = std::min(lines.size(), first + static_cast<size_t>(std::clamp(limit, 0, kMaxPage)));
    for (size_t i = first; i < last; ++i) page.postings.push_back({book.entry(lines[i].sequence).id, lines[i].sequence, lines[i].cents});
    return page;
  }

  // region: book
  /// Books an entry once, however often and from wherever its id comes.
  Task<Result<Receipt>> book(Result<Entry> asked) {
    const Entry entry = co_await or_return(std::move(asked));
    const std::string id = entry.id;
    for (auto same = on_the_way_.find(id); same != on_the_way_.end(); same = on_the_way_.find(id)) {
      const auto done = same->second;  // the same id is being written for another call: see how that ends
      co_await or_return(done->wait());
    }
    if (const int64_t known = journal_->book().sequence_of(id); known != 0) co_return receipt_for(known, entry);
    const auto held = held_.find(entry.from);
    co_await or_return(journal_->book().check(entry, held == held_.end() ? 0 : held->second));

    const auto done = on_the_way_.emplace(id, std::make_shared<sofa::io::Event>()).first->second;
    held_[entry.from] += entry.cents;
    auto sequence = co_await journal_->record(entry);
    if ((held_[entry.from] -= entry.cents) == 0) held_.erase(entry.from);
    on_the_way_.erase(id);
    done->set();
    if (!sequence) co_return sofa::forward_error(sequence);
    co_return Receipt{id, *sequence};
  }
  // endregion

  Result<Receipt> receipt_for(int64_t sequence, const Entry& asked) const {
    const Entry& booked = journal_->book().entry(sequence);
    if (booked.from != asked.from || booked.to != asked.to || booked.cents != asked.cents) {
      return fail(Code::already_exists, "id '{}' is taken by another transfer (entry {}); choose a new id", asked.id, sequence);
    }
    return Receipt{asked.id, sequence};
  }

  const sofa::boot::Ref<JournalComponent> journal_;
  std::unordered_map<std::string, std::shared_ptr<sofa::io::Event>> on_the_way_;
  std::unordered_map<std::string, int64_t> held_;  // cents that entries on their way to disk will take from an account
};

}  // namespace
}  // namespace bank

// region: main
int main(int argc, char** argv) {
  using namespace sofa;
  boot::Application app("bank-ledger", "The bank's ledger process.");
  app.defaults().port = 12201;
  app.component<bank::JournalComponent>("journal");
  app.component<bank::LedgerService>("ledger").provides<bank::Ledger>().on(boot::bolt, boot::triple, boot::http);
  return app.run(argc, argv);
}
// endregion
