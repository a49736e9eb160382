#pragma once
// Text as a template argument: Ref<Greeter, "u1">.

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sofa {

template <size_t N>
struct FixedText {
  char characters[N]{};
  consteval FixedText(const char (&text)[N]) { std::copy_n(text, N, characters); }
  constexpr std::string_view view() const { return {characters, N - 1}; }
};

}  // namespace sofa
