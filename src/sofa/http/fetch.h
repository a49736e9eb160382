#pragma once
// One request and its whole answer, for clients whose bodies fit into memory.

#include "sofa/base/bytes.h"
#include "sofa/http/body.h"
#include "sofa/http/client.h"
#include "sofa/io/task.h"

namespace sofa::http {

struct Fetched {
  ResponseHead head;
  Bytes body;
};

/// A request under way: its exchange, and the answer as it comes. `answer` goes first.
struct Asked {
  ExchangePtr exchange;
  std::unique_ptr<Body> answer;
};
/// Sends the request with its body, if it has one. Errors: those of ClientConnection::start.
Result<Asked> ask(ClientConnection& connection, RequestHead request, Bytes body);

/// Sends the request with its body, if it has one, and reads the answer, of any status. `request.headers` say what the body is. Errors: those of
/// ClientConnection::start and of the connection; Code::resource_exhausted for an answer of more than `most` bytes.
io::Task<Result<Fetched>> fetch(ClientConnection& connection, RequestHead request, Bytes body, size_t most);

}  // namespace sofa::http
