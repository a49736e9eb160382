#include <algorithm>

#include "sofa/state/raft/client.h"
#include "sofa/state/raft/detail/reply.h"

namespace sofa::raft {

using jraft::RaftError;

namespace {

ClientResponse refusal(jraft::Status why, const Node* node = nullptr) {
  ClientResponse response{.code = static_cast<int32_t>(why.code), .message = std::move(why.message)};
  if (node != nullptr && !node->core().leader().is_nobody()) response.leader = node->core().leader().to_string();
  return response;
}

ClientResponse response_of(Result<Bytes> result, const Node* node) {
  if (result) return {.result = std::move(*result)};
  return refusal(status_of(result.error()), node);
}

}  // namespace

void ClientService::serve(Node& node, Answer answer) { served_.push_back({.node = &node, .answer = std::move(answer)}); }

void ClientService::stop_serving(std::string_view group) {
  std::erase_if(served_, [&](const Served& one) { return one.node->group() == group; });
}

void ClientService::handle(transport::IncomingRequest& request, transport::Responder& responder) {
  auto asked = jraft::decode<ClientRequest>(request.frame.content_bytes());
  auto reply = [to = std::make_shared<detail::Reply>(std::move(responder))](ClientResponse response) {
    to->send(ClientResponse::kName, jraft::encode(response));
  };
  if (!asked) return reply(refusal({RaftError::erequest, std::string(asked.error().message())}));
  if (home_.is_current()) return carry_out(std::move(*asked), std::move(reply));
  home_.post([this, asked = std::move(*asked), reply = std::move(reply)]() mutable { carry_out(std::move(asked), std::move(reply)); });
}

void ClientService::carry_out(ClientRequest request, std::function<void(ClientResponse)> reply) {
  const auto found = std::ranges::find_if(served_, [&](const Served& one) { return one.node->group() == request.group_id; });
  if (found == served_.end()) return reply(refusal({RaftError::enoent, fmt::format("No nodes in group {}", request.group_id)}));
  Node* const node = found->node;
  if (!request.is_question) {
    Node::Done done = [node, reply = std::move(reply)](Result<Bytes> result) { reply(response_of(std::move(result), node)); };
    if (!request.session) return node->apply(std::move(request.data), std::move(done));
    const SessionWrite write{.session = static_cast<uint64_t>(*request.session), .number = static_cast<uint64_t>(request.number.value_or(0))};
    return node->apply_once(write, std::move(request.data), std::move(done));
  }
  node->read([node, reply = std::move(reply), answer = found->answer, question = std::move(request.data)](Result<void> ready) {
    if (!ready) return reply(refusal(status_of(ready.error()), node));
    Result<Bytes> found_out = answer(question);
    if (found_out) return reply({.result = std::move(*found_out)});
    reply(refusal({RaftError::erequest, found_out.error().to_string()}));  // every node would say so
  });
}

}  // namespace sofa::raft
