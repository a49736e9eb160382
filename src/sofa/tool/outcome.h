#pragma once
// What came of a call, told to a person or to a program.

#include <string>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/command.h"

namespace sofa::tool {

/// How an error is told to people: the sentence, what to try next when nobody answered, and of a Java exception its frames and causes.
std::string error_text(const Error& error);
/// {"code": "not_found", "message": "...", "exception": {"class": ..., "message": ..., "fields": {...}, "stack": [...], "cause": {...}}}
std::string error_json(const Error& error);

/// Tells an error as `format` says; gives how the program ends.
Exit show_failure(const Error& error, OutputFormat format, Terminal& terminal);

/// [{"service": "acme.Greeter", "methods": {"Greet": "(acme.Request) returns (acme.Response)"}}]
std::string services_json(const std::vector<ServiceMethods>& services);

/// Prints the answer of one call, or tells its error, as `format` says; gives how the program ends.
Exit show_outcome(const CallPlan& plan, const Result<void>& done, const Answer& answer, Duration took, OutputFormat format, Terminal& terminal);

}  // namespace sofa::tool
