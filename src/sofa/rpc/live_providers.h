#pragma once
// Provider lists that change while clients use them: a watched local file, and a name of DNS.
//
//   auto providers = co_await or_return(rpc::watch_file("/etc/acme/ledger.providers"));
//   auto ledger = co_await or_return(rpc::connect<Ledger>(providers));

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/rpc/providers.h"

namespace sofa::rpc {

/// Reads the list now, and again when the file has changed. One URL a line, or several with "," or ";" between; what follows a "#" is a comment. A
/// file without a URL is an empty list. One that cannot be read or understood later leaves the list as it is, with a line in the log; now it is the
/// error. So does later a file without a byte, as it is while it is written. Call it on the shard of the client; the list is watched until the last
/// client has gone. `each`: how often the file is looked at.
io::Task<Result<std::shared_ptr<Providers>>> watch_file(std::string path, Duration each = std::chrono::seconds(1));

/// The addresses of an address; no name: that of the system (io::resolve).
using Resolver = std::function<io::Task<Result<std::vector<io::Address>>>(io::Address)>;

/// The addresses that "host:port" resolves to, each a provider, looked up again every so often. Of `url` ("bolt://ledger.internal:12200?timeout=800")
/// everything else goes for each of them. A list of several names is refused. A name that has no address is an empty list; a look-up that fails for
/// another reason leaves the list as it is, now it is the error.
io::Task<Result<std::shared_ptr<Providers>>> watch_dns(std::string url, Duration each = std::chrono::seconds(10), Resolver resolver = {});

}  // namespace sofa::rpc
