#include "sofa/rpc/service_markdown.h"

#include "sample.h"

namespace sofa::rpc {
namespace {

using namespace testing;

struct Small : Interface {
  static constexpr std::string_view kName = "x.Small";
  Method<Transfer(std::string, std::vector<Transfer>)> move{
      this, "move", {.timeout = 800ms, .retries = {}, .java_types = {}, .parameters = {"id", "parts"}, .doc = "moves | parts"}};
  Method<void(Graph<hessian::Value>, Array<int32_t>)> take{this, "take", {.java_types = {"java.util.Map", "[I"}}};
  Method<void()> ping{this, "ping"};
};

TEST(Markdown, TellsMethodsAndTheTypesTheyUse) {
  EXPECT_EQ(service_markdown<Small>(), R"(## x.Small

| method | parameters | result | Java signature | timeout | doc |
|---|---|---|---|---|---|
| `move` | id: string, parts: list of bank.Transfer | bank.Transfer | `move(java.lang.String, java.util.List)` | 800 ms | moves \| parts |
| `take` | java.lang.Object, array of int32 | void | `take(java.util.Map, [I)` |  |  |
| `ping` |  | void | `ping()` |  |  |

### bank.Transfer

| field | type | unit | range | default | doc |
|---|---|---|---|---|---|
| `id` | string |  |  |  |  |
| `cents` | int64 |  |  | `0` |  |
)");
}

}  // namespace
}  // namespace sofa::rpc
