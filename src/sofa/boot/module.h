#pragma once
// Modules: groups of components that see only what they may.
//
//   auto books = app.module("books");
//   books.component<Journal>("journal");
//   auto payments = app.module("payments").requires_module("books").profile("!test");
//   payments.component<Transfers>("transfers");          // may refer to what books provides
//
// A component may refer to what its own module provides, what the modules provide that its module requires, what its module's parents and they in
// turn provide, and what stands in the application itself. Anything else is an error of the start, with both names. A module's components have
// their configuration under its name.

#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sofa::boot {

struct ModuleSpec {
  std::string name{};
  std::string parent{};  ///< empty: the application itself. A parent is required, too
  std::vector<std::string> requires_modules{};
  std::vector<std::string> profiles{};  ///< active when one of them is; "!x" when x is not; empty: always
  std::source_location where{};
};

/// Whether a module with these profiles is active (sofaboot.md 2, Module-Profile); "default" always is.
bool is_active(std::span<const std::string> profiles, std::span<const std::string> active);

}  // namespace sofa::boot
