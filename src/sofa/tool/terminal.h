#pragma once
// Where a command prints: answers to standard output, everything else to standard error, with colours only where a person looks.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sofa::tool {

enum class Colour : uint8_t { red, green, yellow, cyan, bold, faint };

/// The two output streams of a process. One thread at a time; nothing is owned.
class Terminal {
 public:
  /// What is known of a stream: whether a person looks at it, and whether colours are wanted there.
  struct Stream {
    std::FILE* file = nullptr;
    bool interactive = false;
    bool colours = false;
  };

  struct Size {
    unsigned columns = 80, rows = 24;
  };

  Terminal(Stream out, Stream error, Size size) : out_(out), error_(error), size_(size) {}
  /// stdout and stderr. Colours on a terminal alone, and not with NO_COLOR set or TERM=dumb.
  static Terminal of_process();

  /// Text of the answer, as it is.
  void print(std::string_view text);
  void print_line(std::string_view text);
  /// Lines of standard output from the top of the screen on, in place of what is there: for a view that changes. Only where a person looks.
  void redraw(std::string_view lines);
  /// A line on standard error, which begins with "sofa: " in red.
  void complain(std::string_view sentence);
  /// A line on standard error.
  void note(std::string_view sentence);
  /// A line on standard output that the next one replaces, for what changes while one waits; nothing unless a person looks. An empty one clears it.
  void progress(std::string_view line);

  /// The text in a colour of standard output, or as it is.
  std::string paint(Colour colour, std::string_view text) const;
  bool interactive() const { return out_.interactive; }
  /// Of the terminal, or the usual one when nobody knows.
  const Size& size() const { return size_; }

 private:
  Stream out_, error_;
  Size size_;
  bool has_progress_ = false;
};

/// "85 us", "1.2 ms", "3.4 s".
std::string duration_text(double microseconds);

/// The text without what moves a terminal's cursor or changes its colours: control characters become '?'.
std::string printable(std::string_view text);

/// The colour of a cell below the head, or none.
using CellColour = std::function<std::optional<Colour>(size_t column, std::string_view cell)>;

/// Rows as columns that line up; the first row is the head. Columns whose cells (without the head) begin with a digit, or are empty,
/// stand right.
std::string table_text(const Terminal& terminal, const std::vector<std::vector<std::string>>& rows, const CellColour& colour = {});

}  // namespace sofa::tool
