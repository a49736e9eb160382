#include "sofa/tool/secret_input.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

namespace sofa::tool {

namespace {

constexpr size_t kMostBytes = 4096;
constexpr char kCtrlC = 3, kCtrlD = 4, kBackspace = 8, kDelete = 127;

/// While it lives, what is typed is not shown and comes key by key, so that also Ctrl-C passes through here and the terminal is restored.
class QuietTerminal {
 public:
  QuietTerminal() : known_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!known_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    if (known_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  termios before_{};
  const bool known_;
};

/// Takes away the last character of UTF-8 text.
void erase_last(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

Result<std::string> read_line(bool typed) {
  std::string line;
  for (;;) {
    char c = 0;
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(errno_error(errno, "standard input cannot be read"));
    if (typed && c == kCtrlC) return fail(Code::cancelled, "nothing was typed");
    if (n == 0 || (typed && c == kCtrlD))
      return line.empty() ? fail(Code::invalid_argument, "standard input ended before a line") : Result<std::string>(line);
    if (c == '\n' || c == '\r') return line;
    if (typed && (c == kBackspace || c == kDelete)) {
      erase_last(line);
    } else if (line.size() == kMostBytes) {
      return fail(Code::invalid_argument, "a secret has at most {} bytes", kMostBytes);
    } else {
      line += c;
    }
  }
}

}  // namespace

Result<std::string> ask_secret(std::string_view prompt) {
  if (::isatty(STDIN_FILENO) != 1) return read_line(false);
  const QuietTerminal quiet;  // first: it throws away what was typed before
  fmt::print(stderr, "{}: ", prompt);
  auto line = read_line(true);
  fmt::print(stderr, "\n");
  return line;
}

Result<std::string> ask_new_secret(std::string_view prompt) {
  auto first = ask_secret(prompt);
  if (!first || ::isatty(STDIN_FILENO) != 1) return first;
  auto again = ask_secret(fmt::format("{} again", prompt));
  if (again && *again != *first) return fail(Code::invalid_argument, "the two differ: nothing was changed, try again");
  return again;
}

}  // namespace sofa::tool
