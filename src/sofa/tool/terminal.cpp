#include "sofa/tool/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "sofa/base/utf8.h"

namespace sofa::tool {

namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kClearLine = "\r\x1b[K", kClearToLineEnd = "\x1b[K", kClearBelow = "\x1b[J", kHome = "\x1b[H";

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::red:
      return "\x1b[31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::cyan:
      return "\x1b[36m";
    case Colour::bold:
      return "\x1b[1m";
    case Colour::faint:
      return "\x1b[2m";
  }
  return "";
}

std::string painted(bool colours, Colour colour, std::string_view text) {
  return colours ? fmt::format("{}{}{}", code_of(colour), text, kReset) : std::string(text);
}

bool wants_colours() {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::string_view(term) != "dumb");
}

Terminal::Stream stream_of(std::FILE* file) {
  const bool interactive = isatty(fileno(file)) == 1;
  return {.file = file, .interactive = interactive, .colours = interactive && wants_colours()};
}

void write(std::FILE* file, std::string_view text) { std::fwrite(text.data(), 1, text.size(), file); }

/// The first `columns` characters of UTF-8 text.
std::string_view first_columns(std::string_view text, size_t columns) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const bool begins = (static_cast<uint8_t>(text[at]) & 0xc0) != 0x80;
    if (begins && columns-- == 0) break;
  }
  return text.substr(0, at);
}

/// Characters of UTF-8 text; wide ones count as one.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

}  // namespace

Terminal Terminal::of_process() {
  winsize known{};
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &known);  // leaves zeros where there is no terminal
  Size size;
  if (known.ws_col > 0) size.columns = known.ws_col;
  if (known.ws_row > 0) size.rows = known.ws_row;
  return {stream_of(stdout), stream_of(stderr), size};
}

void Terminal::print(std::string_view text) {
  progress("");
  write(out_.file, text);
  std::fflush(out_.file);
}

void Terminal::print_line(std::string_view text) {
  print(text);
  print("\n");
}

void Terminal::redraw(std::string_view lines) {
  std::string text(kHome);
  for (const char c : lines) {
    if (c == '\n') text += kClearToLineEnd;
    text += c;
  }
  print(text.append(kClearBelow));
}

void Terminal::complain(std::string_view sentence) { note(fmt::format("{} {}", painted(error_.colours, Colour::red, "sofa:"), sentence)); }

void Terminal::note(std::string_view sentence) {
  progress("");
  write(error_.file, sentence);
  write(error_.file, "\n");
  std::fflush(error_.file);
}

void Terminal::progress(std::string_view line) {
  if (!out_.interactive || (line.empty() && !has_progress_)) return;
  write(out_.file, kClearLine);
  write(out_.file, first_columns(line, size_.columns - 1));
  std::fflush(out_.file);
  has_progress_ = !line.empty();
}

std::string Terminal::paint(Colour colour, std::string_view text) const { return painted(out_.colours, colour, text); }

std::string duration_text(double microseconds) {
  if (microseconds > 0 && microseconds < 9.95) return fmt::format("{:.1f} us", microseconds);
  if (microseconds < 999.5) return fmt::format("{:.0f} us", microseconds);
  if (microseconds < 999'950) return fmt::format("{:.{}f} ms", microseconds / 1e3, microseconds < 99'950 ? 1 : 0);
  return fmt::format("{:.1f} s", microseconds / 1e6);
}

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    const bool controls = point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0) || point.is_bad();
    shown += controls ? std::string_view("?") : text.substr(0, point.length);
    text.remove_prefix(point.length);
  }
  return shown;
}

std::string table_text(const Terminal& terminal, const std::vector<std::vector<std::string>>& rows, const CellColour& colour) {
  if (rows.empty()) return {};
  std::vector<size_t> widths(rows.front().size(), 0);
  std::vector<bool> right(widths.size(), rows.size() > 1);
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t column = 0; column < widths.size(); ++column) {
      const std::string& cell = rows[row][column];
      widths[column] = std::max(widths[column], columns_of(cell));
      if (row > 0 && !cell.empty() && (cell[0] < '0' || cell[0] > '9')) right[column] = false;
    }
  }
  std::string text;
  for (size_t row = 0; row < rows.size(); ++row) {
    std::string line;
    size_t owed = 0;  // spaces before the next cell: none stand at the end of a line
    for (size_t column = 0; column < widths.size(); ++column) {
      const std::string& cell = rows[row][column];
      const size_t spare = widths[column] - columns_of(cell);
      owed += (column == 0 ? 0 : 2) + (right[column] ? spare : 0);
      if (!cell.empty()) {
        const auto painted = row == 0 ? std::optional(Colour::bold) : colour ? colour(column, cell) : std::nullopt;
        line.append(owed, ' ') += painted ? terminal.paint(*painted, cell) : cell;
        owed = 0;
      }
      owed += right[column] ? 0 : spare;
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace sofa::tool
