// The stream services of interop-server.

#include "services.h"

namespace interop {

using sofa::rpc::or_return;
using sofa::rpc::Task;

namespace {

template <class T>
std::shared_ptr<T> make_streams() {
  auto service = std::make_shared<T>();
  service->users = [](int32_t times, rpc::Writer<Graph<User>>& out) -> Task<Result<void>> {
    if (times < 0) co_return rpc::fail_java("java.lang.IllegalArgumentException", "boom stream");
    for (int32_t id = 0; id < times; ++id) {
      Graph<User> user;
      user.set_root(make_user(user.arena(), id, nullptr));
      co_await or_return(out.write(std::move(user)));
    }
    co_return Result<void>();
  };
  service->total = [](rpc::Reader<Graph<User>>& in) -> Task<Result<int64_t>> {
    int64_t sum = 0;
    while (const auto user = co_await or_return(in.read())) sum += *user ? (*user)->id : 0;
    co_return sum;
  };
  service->shout = [](rpc::Reader<std::string>& in, rpc::Writer<std::string>& out) -> Task<Result<void>> {
    while (const auto text = co_await or_return(in.read())) co_await or_return(out.write(*text + "!"));
    co_return Result<void>();
  };
  return service;
}

}  // namespace

std::shared_ptr<SofaStreamService> make_sofa_streams() { return make_streams<SofaStreamService>(); }
std::shared_ptr<DubboStreamService> make_dubbo_streams() { return make_streams<DubboStreamService>(); }

}  // namespace interop
