#include "sofa/io/task_group.h"

#include <cstdlib>

#include "sofa/io/report.h"

namespace sofa::io {

namespace {
/// An exception becomes the task's error; it ends the program where it can be debugged.
Result<void> exception_as_error([[maybe_unused]] const char* name) {
  std::string what = "an exception of unknown type";
  try {
    throw;
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
#ifndef NDEBUG
  report(fmt::format("background task '{}' ended with an exception: {}", name, what));
  std::terminate();
#endif
  return fail(Code::internal, "it ended with an exception: {}", what);
}

Task<Result<void>> as_result(Task<void> task) {
  co_await std::move(task);
  co_return Result<void>{};
}
}  // namespace

TaskGroup::~TaskGroup() {
  if (running_ == 0) return;
  std::string names;
  members_.for_each([&](Member& member) {
    if (!names.empty()) names += ", ";
    names += member.name;
  });
  report(fmt::format("a TaskGroup was destroyed while {} of its tasks run ({}); call cancel() and co_await join() first", running_, names));
  std::abort();
}

void TaskGroup::spawn(TaskName name, Task<void> task) { spawn(name, as_result(std::move(task))); }

void TaskGroup::spawn(TaskName name, Task<Result<void>> task) {
  ++running_;
  drive(*this, name.text, std::move(task));
}

detail::Root TaskGroup::drive(TaskGroup& group, const char* name, Task<Result<void>> task) {
  Result<void> result;
  {
    Member member;
    member.name = name;
    group.members_.push_back(member);
    Scope scope(&group.scope_, name);
    co_await detail::Yield(&scope);
    try {
      result = co_await std::move(task).in(scope);
    } catch (...) {
      result = exception_as_error(name);
    }
    const Task<Result<void>> finished = std::move(task);  // its frame goes before the group may
  }
  group.ended(std::move(result), name);
}

void TaskGroup::ended(Result<void> result, const char* name) {
  if (!result && !(scope_.cancelled() && result.error().code() == scope_.reason().code())) {
    report(fmt::format("background task '{}' failed: {}", name, result.error()));
    if (!first_error_) first_error_ = std::move(result.error());
  }
  if (--running_ == 0 && joiner_ != nullptr) joiner_->wake();
}

}  // namespace sofa::io
