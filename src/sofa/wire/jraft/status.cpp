#include "sofa/wire/jraft/status.h"

#include <fmt/format.h>

#include <array>

namespace sofa::jraft {

namespace {
constexpr std::array kLow{std::string_view("EREQUEST"),  std::string_view("ESTOP"),     std::string_view("EAGAIN"),    std::string_view("EINTR"),
                          std::string_view("EINTERNAL"), std::string_view("ECANCELED"), std::string_view("EHOSTDOWN"), std::string_view("ESHUTDOWN"),
                          std::string_view("EPERM"),     std::string_view("EBUSY"),     std::string_view("ETIMEDOUT"), std::string_view("ESTALE"),
                          std::string_view("ENOENT"),    std::string_view("EEXISTS"),   std::string_view("EIO"),       std::string_view("EINVAL"),
                          std::string_view("EACCES")};
constexpr std::array kHigh{std::string_view("ERAFTTIMEDOUT"),
                           std::string_view("ESTATEMACHINE"),
                           std::string_view("ECATCHUP"),
                           std::string_view("ELEADERREMOVED"),
                           std::string_view("ESETPEER"),
                           std::string_view("ENODESHUTDOWN"),
                           std::string_view("EHIGHERTERMREQUEST"),
                           std::string_view("EHIGHERTERMRESPONSE"),
                           std::string_view("EBADNODE"),
                           std::string_view("EVOTEFORCANDIDATE"),
                           std::string_view("ENEWLEADER"),
                           std::string_view("ELEADERCONFLICT"),
                           std::string_view("ETRANSFERLEADERSHIP"),
                           std::string_view("ELOGDELETED"),
                           std::string_view("ENOMOREUSERLOG")};
}  // namespace

std::string_view name_of(RaftError code) {
  const auto number = static_cast<int64_t>(code);
  if (number == 0) return "SUCCESS";
  if (number >= 1000 && number < 1000 + static_cast<int64_t>(kLow.size())) return kLow[static_cast<size_t>(number - 1000)];
  if (number > 10000 && number <= 10000 + static_cast<int64_t>(kHigh.size())) return kHigh[static_cast<size_t>(number - 10001)];
  return "UNKNOWN";
}

std::string Status::to_string() const { return message.empty() ? std::string(name_of(code)) : fmt::format("{}: {}", name_of(code), message); }

}  // namespace sofa::jraft
