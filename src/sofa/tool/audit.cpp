// sofa audit: who did what, and who was refused

#include <algorithm>
#include <ranges>

#include "sofa/base/json_object.h"
#include "sofa/base/text.h"
#include "sofa/base/unix_time.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

constexpr uint32_t kMostOfAPage = 1'000;

struct AuditOptions : AdminFlags {
  bool follow = false;
  uint32_t most = 100;
  std::string actor{}, action{}, result{}, since{};
  static void describe(Description<AuditOptions>& d) {
    d.field("follow", &AuditOptions::follow).alias("f").doc("wait for further entries, until Ctrl-C");
    d.field("most", &AuditOptions::most).alias("n").doc("entries to begin with, the newest").range(1, kMostOfAPage);
    d.field("actor", &AuditOptions::actor).doc("only of this user");
    d.field("action", &AuditOptions::action).doc("user.add, or user for all of those");
    d.field("result", &AuditOptions::result).doc("ok, denied or failed");
    d.field("since", &AuditOptions::since).doc("only those of the last 90s, 30m, 2h or 7d");
    d.inherit<AdminFlags>();
  }
};

struct AuditRow {
  std::string id{};
  Moment at_ms{};
  std::string actor{}, action{}, target{}, result{}, peer{}, detail{};
  static void describe(Description<AuditRow>& d) {
    d.field("id", &AuditRow::id);
    d.field("at_ms", &AuditRow::at_ms);
    d.field("actor", &AuditRow::actor);
    d.field("action", &AuditRow::action);
    d.field("target", &AuditRow::target);
    d.field("result", &AuditRow::result);
    d.field("peer", &AuditRow::peer);
    d.field("detail", &AuditRow::detail);
  }
};

/// A page of the answer, newest first.
struct AuditRows {
  std::vector<JsonTree> entries{};
  std::string next{};
  static void describe(Description<AuditRows>& d) {
    d.field("entries", &AuditRows::entries);
    d.field("next", &AuditRows::next);
  }
};

/// What is asked for; the names of the route. What is empty is left out.
struct AuditQuery {
  uint32_t limit = kMostOfAPage;
  std::string before{}, after{}, actor{}, action{}, result{};
  int64_t since_ms = 0;
  std::string arguments() const {
    return JsonObject()
        .add_number("limit", limit)
        .add_text("before", before)
        .add_text("after", after)
        .add_text("actor", actor)
        .add_text("action", action)
        .add_text("result", result)
        .add_number("since_ms", since_ms)
        .text();
  }
};

/// When "2h" ago was; 0 for nothing. Errors: invalid_argument.
Result<int64_t> since_of(std::string_view text) {
  if (text.empty()) return 0;
  constexpr std::pair<char, std::chrono::milliseconds> kUnits[] = {
      {'s', std::chrono::seconds(1)}, {'m', std::chrono::minutes(1)}, {'h', std::chrono::hours(1)}, {'d', std::chrono::days(1)}};
  const auto unit = std::ranges::find(kUnits, text.back(), &std::pair<char, std::chrono::milliseconds>::first);
  const auto count = whole_number<uint32_t>(text.substr(0, text.size() - 1));
  if (unit == std::end(kUnits) || !count) return fail(Code::invalid_argument, "--since is \"{}\"; it takes a time like 90s, 30m, 2h or 7d", text);
  return unix_ms(SystemClock::instance().now_wall()) - (*count * unit->second).count();
}

/// Collects what a question gives over its pages, and shows it, the oldest first.
class AuditView {
 public:
  AuditView(const AuditOptions& options, AuditQuery query, Terminal& terminal) : options_(options), query_(std::move(query)), terminal_(terminal) {}

  AdminRequest next() const { return {.verb = "GET", .route = "/v1/audit", .arguments = query_.arguments()}; }
  /// Whether there is a further page to ask for.
  Result<bool> take(std::string_view json) {
    auto page = from_answer<AuditRows>(json);
    if (!page) return forward_error(page);
    std::ranges::move(page->entries, std::back_inserter(entries_));
    const size_t most = first_ ? options_.most : kMostKept;
    query_.before = entries_.size() < most ? page->next : "";
    query_.limit = static_cast<uint32_t>(std::min<size_t>(kMostOfAPage, most - std::min(most, entries_.size())));
    if (!query_.before.empty()) return true;
    return show();
  }

 private:
  static constexpr size_t kMostKept = 100'000;  // entries between two looks

  Result<bool> show() {
    std::ranges::reverse(entries_);
    auto shown = is_document(options_.output) ? show_documents() : show_rows();
    if (!shown) return forward_error(shown);
    query_.limit = kMostOfAPage;
    entries_.clear();
    first_ = false;
    return false;
  }

  Result<void> show_documents() {
    std::string list;
    for (const JsonTree& entry : entries_) {
      const std::string one = to_json_text(entry.root);
      if (options_.follow) print_document(one, options_.output, terminal_);
      list += (list.empty() ? "" : ",") + one;
      query_.after = id_of(entry);
    }
    if (!options_.follow) print_document("[" + list + "]", options_.output, terminal_);
    return {};
  }

  Result<void> show_rows() {
    std::vector<AuditRow> rows;
    for (const JsonTree& entry : entries_) {
      auto row = from_answer<AuditRow>(to_json_text(entry.root));
      if (!row) return forward_error(row);
      rows.push_back(std::move(*row));
      query_.after = rows.back().id;
    }
    if (options_.follow) {
      for (const AuditRow& row : rows) terminal_.print_line(line_of(row));
      return {};
    }
    print_rows<AuditRow>(rows, options_.output, terminal_,
                         {.columns = {"at_ms", "actor", "action", "target", "result", "peer", "detail"}, .none = "Nothing of that is in the audit."});
    return {};
  }

  static std::string line_of(const AuditRow& row) {
    const std::string more = row.detail.empty() ? "" : fmt::format(" ({})", printable(row.detail));
    return fmt::format("{} {} {} {} {} from {}{}", row.at_ms.to_string(), printable(row.actor), row.action, printable(row.target), row.result,
                       row.peer, more);
  }

  static std::string id_of(const JsonTree& entry) {
    const TextNode* const id = find(entry.root, "id");
    return id == nullptr ? "" : id->text;
  }

  const AuditOptions& options_;
  AuditQuery query_;
  Terminal& terminal_;
  std::vector<JsonTree> entries_{};
  bool first_ = true;  // nothing was shown yet
};

Exit audit(Arguments<AuditOptions>& given, Terminal& terminal) {
  const AuditOptions& options = given.options;
  const auto since = since_of(options.since);
  if (!since) return wrong_usage(since.error(), options.output, terminal);
  AuditView view(options, {.limit = options.most, .actor = options.actor, .action = options.action, .result = options.result, .since_ms = *since},
                 terminal);
  Polling polling{.next = [&] { return view.next(); }, .show = [&](std::string_view json) { return view.take(json); }};
  polling.once = !options.follow;
  return poll_admin(options, terminal, polling);
}

constexpr std::string_view kAbout =
    R"(Shows every change of users, keys, tokens, roles and namespaces, and every refused login, the newest at the end.

  sofa audit --since 2h --result denied
  sofa audit --actor ann --action user -o json
  sofa audit -f

Times are UTC.)";

}  // namespace

Command audit_command() {
  return command<AuditOptions, audit>({.name = "audit", .summary = "shows who changed what, and who was refused", .about = kAbout});
}

}  // namespace sofa::tool
