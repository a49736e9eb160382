#pragma once
// How JSON, YAML and the command line set one scalar of a described type, and say what they expected instead.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"

namespace sofa::detail {

/// True for types that one text sets by their kind: numbers, booleans, enums, strings, bytes and lists of bytes.
bool is_scalar(const Type& type);
/// True when making the target takes an arena: Link and Graph.
bool needs_arena(const IndirectOps& indirect);

/// What input a type wants, for messages and `--help`: "a whole number from 1 to 65535", "one of BRONZE, SILVER". `field` may be null.
std::string expected_of(const Type& type, const Field* field);

/// The numbers that a number type and its field take.
Range range_of(const Type& type, const Field* field);
/// A number of a range as text, a whole one without an exponent.
std::string number_text(long double value);
/// What may stand behind a number of this unit in text formats: ns, us, ... for "ms", the unit itself for any other; nothing for none.
std::vector<std::string_view> suffixes_of(std::string_view unit);

/// Each sets the scalar at `at`, or answers with what was found instead of what is expected. `field` gives range and unit; it may be null.
/// Numbers travel as long double, which holds every int64 and uint64 exactly here.
using Wrong = std::optional<std::string>;
Wrong set_number(const Type& type, const Field* field, long double value, void* at);
Wrong set_boolean(const Type& type, bool value, void* at);
/// `typed`: text where the format has numbers of its own (JSON); "12" is then no number.
Wrong set_text(const Type& type, const Field* field, std::string_view text, bool typed, void* at);

/// A value shown in a message: quoted, shortened, free of control characters.
std::string quoted(std::string_view text);

}  // namespace sofa::detail
