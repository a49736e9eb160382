#pragma once
// What a fuzz target promises of every input. A broken promise ends the program, and libFuzzer keeps the input.

#include <cstdlib>
#include <source_location>
#include <string_view>

#include "sofa/base/error.h"

namespace fuzz {

using Place = std::source_location;

/// Ends the program and names the line of the promise that does not hold.
inline void must(bool holds, Place place = Place::current()) {
  if (holds) return;
  fmt::print(stderr, "{}:{}: this does not hold for the input\n", place.file_name(), place.line());
  std::abort();
}

/// What is refused is refused with a sentence.
inline void must_say_why(const sofa::Error& error, Place place = Place::current()) { must(!error.message().empty(), place); }
template <class T>
void must_say_why(const sofa::Result<T>& result, Place place = Place::current()) {
  if (!result) must_say_why(result.error(), place);
}

/// What was read without a copy lies inside its input.
inline void must_lie_inside(std::string_view part, std::string_view whole, Place place = Place::current()) {
  must(part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size()), place);
}

}  // namespace fuzz
