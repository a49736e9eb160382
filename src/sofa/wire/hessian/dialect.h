#pragma once
// What a Hessian stream speaks, what a reader puts up with, and which classes it lets through. Facts: docs/protocols/hessian.md.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sofa::hessian {

/// The two byte grammars that are both called "hessian2". Never told apart by looking at bytes: Bolt content is h3, Dubbo content is h4
/// (docs/protocols/hessian.md, section 1).
enum class Dialect : uint8_t { h3, h4 };

/// Which Java library the other side is: it decides the order of fields and the names of the java.time handle classes (section 3).
enum class Family : uint8_t { sofa, dubbo };

/// Bounds on what one stream may make a reader do. Past any of them the read fails with resource_exhausted.
struct Limits {
  uint32_t depth = 128;               // values inside values
  uint32_t definitions = 1024;        // class definitions in a stream
  uint32_t fields = 1024;             // fields in a class definition
  uint32_t name_units = 512;          // UTF-16 units in a class, field or type name
  size_t memory = size_t{512} << 20;  // bytes of objects built from one stream; strings and binaries count only when read again through a reference
  uint32_t copies = 1'000'000;        // values read again because a reference points at an object that the target holds by value
};

/// Decides by prefix which class names may pass: for values that are handed on to a Java peer. Our own reader never creates code from a name,
/// so the default lets everything pass. Names without a dot ("[int", "string") always pass. An empty filter costs nothing. Immutable once in use; any
/// thread.
class ClassFilter {
 public:
  ClassFilter& deny(std::string prefix) { return deny_.push_back(std::move(prefix)), *this; }
  /// With at least one allowed prefix, everything else is refused.
  ClassFilter& allow(std::string prefix) { return allow_.push_back(std::move(prefix)), *this; }
  /// Lets this very class pass, whatever the prefixes say: the envelope of a protocol.
  ClassFilter& always(std::string name) { return always_.push_back(std::move(name)), *this; }
  /// No prefix is denied or allowed: every class passes.
  bool empty() const { return deny_.empty() && allow_.empty(); }
  /// `name` may be an array ("[com.acme.User"): the element's class counts.
  bool admits(std::string_view name) const;

 private:
  std::vector<std::string> deny_, allow_, always_;
};

}  // namespace sofa::hessian
