#pragma once
// JVM descriptors of parameter types ("Ljava/lang/String;I[J") and the Class.getName() of each ("java.lang.String", "int", "[J").

#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"

namespace sofa::dubbo {

/// The most parameters of a method: Java's own bound.
inline constexpr size_t kMaxParameters = 255;

/// Fails with invalid_argument, naming the descriptor and the offset, on anything that the JVM would not write.
Result<std::vector<std::string>> parse_descriptor(std::string_view descriptor);
/// How many types the descriptor names; fails as parse_descriptor does.
Result<size_t> count_parameters(std::string_view descriptor);
/// Appends the descriptor of one type given as Class.getName() writes it; also "java.lang.String[]" for an array.
void append_descriptor(std::string& out, std::string_view class_name);

}  // namespace sofa::dubbo
