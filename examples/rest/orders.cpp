// One service over Bolt, Triple, JSON and REST: rest-orders [--port 12200]. Ask it by curl:
//
//   curl --json '{"item": "tea", "count": 2}' http://127.0.0.1:12200/orders                # REST
//   curl http://127.0.0.1:12200/orders/1
//   curl -d '[1]' http://127.0.0.1:12200/com.acme.Orders:1.0/find                          # any method, arguments as JSON
#include <map>

#include "sofa/rpc/rest.h"
#include "sofa/rpc/server.h"

using namespace sofa;

struct Order {
  int64_t id = 0;
  std::string item;
  int32_t count = 1;
  static auto describe(Description<Order>& d) {
    d.java_type("com.acme.Order");
    d.field("id", &Order::id).doc("given by the service");
    d.field("item", &Order::item).required();
    d.field("count", &Order::count).range(1, 1000);
  }
};

struct Orders : rpc::Interface {
  static constexpr std::string_view kName = "com.acme.Orders";
  rpc::Method<Order(Order)> place{this, "place", {.doc = "Places an order."}};
  rpc::Method<Order(int64_t)> find{this, "find", {.parameters = {"id"}, .doc = "One order."}};
  rpc::Method<std::vector<Order>(std::optional<std::string>)> list{this, "list", {.parameters = {"item"}, .doc = "All orders, or those of an item."}};
};

std::shared_ptr<Orders> make_orders() {
  auto orders = std::make_shared<Orders>();
  auto book = std::make_shared<std::map<int64_t, Order>>();
  orders->place = [book](Order order) {
    order.id = static_cast<int64_t>(book->size()) + 1;
    return (*book)[order.id] = order;
  };
  orders->find = [book](int64_t id) -> Result<Order> {
    const auto at = book->find(id);
    if (at == book->end()) return fail(Code::not_found, "there is no order {}", id);
    return at->second;
  };
  orders->list = [book](std::optional<std::string> item) {
    std::vector<Order> found;
    for (const auto& [id, order] : *book) {
      if (!item || order.item == *item) found.push_back(order);
    }
    return found;
  };
  return orders;
}

int main(int argc, char** argv) {
  // region: routes
  auto routes = std::make_shared<rpc::RestRoutes>(rest::About{.title = "Orders", .version = "1"});
  routes->post("/orders", &Orders::place).status(201);
  routes->get("/orders/{id}", &Orders::find);
  routes->get("/orders", &Orders::list);
  return rpc::serve(argc, argv, rpc::Server{}.port(12200).add(make_orders()).rest(routes));
  // endregion
}
