#include "sofa/tool/terminal.h"

#include <gtest/gtest.h>

namespace sofa::tool {
namespace {

/// What a terminal printed.
class Screen {
 public:
  explicit Screen(bool interactive, unsigned width = 80)
      : file_(std::tmpfile()), terminal({file_, interactive, interactive}, {file_, interactive, interactive}, width) {}
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

TEST(Table, LinesColumnsUpAndPutsNumbersToTheRight) {
  Screen screen(false);
  EXPECT_EQ(table_text(screen.terminal, {{"name", "calls", "note"}, {"a", "5", "x"}, {"longer", "1234", ""}}),
            "name    calls  note\n"
            "a           5  x\n"
            "longer   1234\n");
}

}  // namespace
}  // namespace sofa::tool
