#include "sofa/tool/terminal.h"

#include <gtest/gtest.h>

namespace sofa::tool {
namespace {

/// What a terminal printed.
class Screen {
 public:
  explicit Screen(bool interactive, unsigned columns = 80)
      : file_(std::tmpfile()), terminal({file_, interactive, interactive}, {file_, interactive, interactive}, {.columns = columns}) {}
  ~Screen() { std::fclose(file_); }
  std::string text() const {
    std::string read(4096, '\0');
    std::rewind(file_);
    read.resize(std::fread(read.data(), 1, read.size(), file_));
    return read;
  }

 private:
  std::FILE* file_;

 public:
  Terminal terminal;
};

TEST(Terminal, PrintsNoColourAndNoProgressUnlessAPersonLooks) {
  Screen screen(false);
  screen.terminal.progress("50 %");
  screen.terminal.print_line(screen.terminal.paint(Colour::red, "done"));
  screen.terminal.complain("it failed");
  EXPECT_EQ(screen.text(), "done\nsofa: it failed\n");
}

TEST(Terminal, ClearsTheProgressBeforeItPrints) {
  Screen screen(true);
  screen.terminal.progress("50 %");
  screen.terminal.print("done");
  EXPECT_EQ(screen.text(), "\r\x1b[K50 %\r\x1b[Kdone");
}

TEST(Terminal, CutsProgressAtTheWidthAndNotInsideACharacter) {
  Screen screen(true, 4);
  screen.terminal.progress("a▁▂▃");
  EXPECT_EQ(screen.text(), "\r\x1b[Ka▁▂");
}

TEST(Terminal, RedrawsOverWhatIsThere) {
  Screen screen(true);
  screen.terminal.redraw("a\nb\n");
  EXPECT_EQ(screen.text(), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
}

TEST(Table, LinesColumnsUpAndPutsNumbersToTheRight) {
  Screen screen(false);
  EXPECT_EQ(table_text(screen.terminal, {{"name", "calls", "note"}, {"a", "5", "x"}, {"longer", "1234", ""}}),
            "name    calls  note\n"
            "a           5  x\n"
            "longer   1234\n");
  EXPECT_EQ(table_text(screen.terminal, {{"calls", "errors"}, {"5", "0"}, {"1234", ""}}),
            "calls  errors\n"
            "    5       0\n"
            " 1234\n");
}

TEST(Terminal, DurationsHaveTheUnitThatFits) {
  EXPECT_EQ(duration_text(0.25), "0.2 us");
  EXPECT_EQ(duration_text(12.4), "12 us");
  EXPECT_EQ(duration_text(999.6), "1.0 ms");
  EXPECT_EQ(duration_text(12'345), "12.3 ms");
  EXPECT_EQ(duration_text(123'456), "123 ms");
  EXPECT_EQ(duration_text(1'500'000), "1.5 s");
}

}  // namespace
}  // namespace sofa::tool
