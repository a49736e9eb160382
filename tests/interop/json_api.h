#pragma once
// The service that serializer 12 is tried with (java/src/sofa/interop/JsonService.java), for the server and the client.

#include <map>

#include "interop_api.h"

namespace interop {

/// Its types are those of the contract: as Jackson writes them a date is its milliseconds, a decimal a number, and a map holds any values.
struct JsonService : rpc::Interface {
  using Counts = std::optional<std::map<std::string, std::optional<int32_t>>>;
  using Texts = std::optional<std::vector<Text>>;
  using UsersByName = Graph<std::map<std::string, Link<User>>>;
  static constexpr std::string_view kName = "sofa.interop.JsonService";
  rpc::Method<Text(Text)> echo{this, "echo"};
  rpc::Method<std::string(Text, int32_t)> hello{this, "hello"};
  rpc::Method<int32_t(int32_t, int32_t)> add{this, "add"};
  rpc::Method<int64_t(std::optional<int64_t>, int64_t)> add_long{this, "addLong"};
  rpc::Method<double(double)> half{this, "half"};
  rpc::Method<bool(bool)> negate{this, "not"};
  rpc::Method<Text()> nothing{this, "nothing"};
  rpc::Method<Graph<User>(Graph<User>)> put_user{this, "putUser"};
  rpc::Method<Users(int32_t)> list_users{this, "listUsers"};
  rpc::Method<Texts(Texts)> reverse{this, "reverse"};
  rpc::Method<Counts(Counts)> counts{this, "counts"};
  rpc::Method<UsersByName(Users, std::string)> users_by_name{this, "usersByName"};
  rpc::Method<std::optional<Bytes>(std::optional<Bytes>)> echo_bytes{this, "echoBytes"};
  rpc::Method<int32_t(Array<int32_t>)> sum{this, "sum"};
  rpc::Method<std::optional<Array<Text>>(std::optional<Array<Text>>)> echo_array{this, "echoArray"};
  rpc::Method<std::optional<Level>(std::optional<Level>)> next_level{this, "nextLevel"};
  rpc::Method<std::string(int64_t)> sleep{this, "sleep"};
  rpc::Method<Text(Text)> fail{this, "fail"};
};

}  // namespace interop
