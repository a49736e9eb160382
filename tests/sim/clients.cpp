#include "clients.h"

#include <cmath>

namespace sofa::raft_sim {

Clients::Clients(RaftWorld& world) : world_(world), random_(world.world.random("workload")) {
  clients_.resize(static_cast<size_t>(world.options.load.clients));
  for (size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].number = static_cast<int>(i) + 1;
    clients_[i].group = static_cast<int>(i) % world.options.groups;
  }
}

void Clients::start() {
  ++starts_;
  stopped_ = false;
  for (Client& client : clients_) next_call(client);
}

void Clients::next_call(Client& client) {
  const auto mean = static_cast<double>(world_.options.load.mean_pause.count());
  world_.world.after(Duration(1 + static_cast<int64_t>(-std::log(1 - random_.unit()) * mean)), [this, &client, start = starts_] {
    if (!stopped_ && start == starts_) make_call(client);
  });
}

void Clients::make_call(Client& client) {
  const LoadOptions& load = world_.options.load;
  const Truth& truth = world_.truth(client.group);
  std::string key = fmt::format("k{}", random_.uniform(static_cast<uint64_t>(load.keys)));
  client.request = {.kind = Request::Kind::read, .key = key};
  client.unsure = false;
  client.in_session = true;
  if (random_.chance(load.reads)) {
    if (random_.chance(load.local_reads)) client.request.kind = Request::Kind::local_read;
  } else {
    Command& command = client.command;
    command = {.key = key};
    const uint64_t dice = random_.uniform(10);
    command.op = dice < 5 ? Op::put : dice < 6 ? Op::add : dice < 8 ? Op::cas : dice < 9 ? Op::append : Op::remove;
    if (command.op == Op::add) {
      command.key = "n" + key;
      command.value = "1";
    } else {
      command.value = fmt::format("{}.", next_value_++);
      const size_t bytes = random_.uniform(100) == 0 ? load.value_bytes * 100 : load.value_bytes;
      if (command.op == Op::put) command.value.resize(std::max(bytes, command.value.size()), '-');
    }
    if (command.op == Op::append) command.key = "a" + key;
    if (command.op == Op::append && truth.value_at(command.key, truth.most_applied()).value_or("").size() > 200) command.op = Op::put;
    if (command.op == Op::cas) command.expected = truth.value_at(key, truth.most_applied());
    client.in_session = random_.uniform(10) != 0;
    if (client.in_session) {
      command.client = static_cast<uint64_t>(client.number);
      command.number = ++client.session;
    }
    client.request.kind = Request::Kind::write;
    client.request.key = command.key;
    client.request.command = encode(command);
  }
  ++counts_.calls;
  ++under_way_;
  client.under_way = true;
  client.made = world_.world.now();
  client.give_up = client.made + load.patience;
  client.begun = truth.linear.begin();
  client.at = client.guess;
  if (client.request.kind != Request::Kind::write && random_.uniform(3) == 0) {
    client.at = static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.nodes)));
  }
  attempt(client);
}

void Clients::attempt(Client& client) {
  const uint64_t attempt = client.attempt = next_attempt_++;
  ++counts_.attempts;
  const int from = world_.clients_machine(), to = client.at;
  const uint64_t connection = client.connection = world_.network.connect(from, to, RaftWorld::kClient);
  const auto respond = [this, &client, attempt, connection](const Reply& reply) {
    (void)world_.network.send(connection, sim::Way::back, 100, [this, &client, attempt, reply] { answered(client, attempt, reply); });
  };
  const bool sent = world_.network.send(connection, sim::Way::there, 100 + client.request.command.size(),
                                        [this, to, group = client.group, request = client.request, respond] {
                                          Machine& target = world_.machine(to);
                                          target.enter([&target, group, request, respond] { target.replica(group).request(request, respond); });
                                        });
  if (!sent) return again(client, std::chrono::milliseconds(50), -1);
  // A write outside of a session is not tried again: it could be carried out twice.
  world_.world.after(world_.options.load.attempt, [this, &client, attempt] {
    if (client.attempt != attempt) return;
    client.unsure = true;
    again(client, Duration(1), -1);
  });
}

void Clients::again(Client& client, Duration wait, int hint) {
  client.attempt = 0;
  const bool once = client.request.kind == Request::Kind::write && !client.in_session && client.unsure;
  if (once || world_.world.now() + wait >= client.give_up) return end(client, nullptr);
  client.guess = client.at = hint >= 0 ? hint : static_cast<int>(random_.uniform(static_cast<uint64_t>(world_.options.nodes)));
  world_.world.after(wait, [this, &client] { attempt(client); });
}

void Clients::connection_broke(const sim::Network::End& end) {
  for (Client& client : clients_) {
    if (client.attempt == 0 || client.connection != end.connection) continue;
    client.unsure = true;
    again(client, std::chrono::milliseconds(20), -1);
  }
}

void Clients::answered(Client& client, uint64_t attempt, const Reply& reply) {
  if (client.attempt != attempt) return;
  switch (reply.kind) {
    case Reply::Kind::done:
      client.attempt = 0;
      client.guess = client.at;
      return end(client, &reply);
    case Reply::Kind::failed:
      client.unsure = true;
      return again(client, std::chrono::milliseconds(20), -1);
    case Reply::Kind::not_leader:
      return again(client, std::chrono::milliseconds(reply.leader >= 0 && reply.leader != client.at ? 1 : 50),
                   reply.leader == client.at ? -1 : reply.leader);
  }
}

void Clients::end(Client& client, const Reply* reply) {
  --under_way_;
  client.under_way = false;
  record(client, reply);
  if (reply != nullptr) {
    ++counts_.done;
    judge(client, *reply);
  } else {
    ++(client.unsure && client.request.kind == Request::Kind::write ? counts_.unknown : counts_.failed);
  }
  next_call(client);
}

void Clients::judge(Client& client, const Reply& reply) {
  Truth& truth = world_.truth(client.group);
  world_.world.note(static_cast<uint64_t>(reply.index));
  if (client.request.kind == Request::Kind::local_read) {
    if (!truth.is_forgotten(reply.index) && reply.value != truth.value_at(client.request.key, reply.index)) {
      truth.broken("I9_reads_are_of_their_time",
                   fmt::format("a local read of {} at {} up to {} is not what was there", client.request.key, reply.leader, reply.index));
    }
    auto& [life, newest] = client.seen[reply.leader];
    if (life == reply.life && reply.index < newest) {
      truth.broken("I17_reads_of_a_node_go_on", fmt::format("client {} has read at {} what there was up to {}, and then only up to {}", client.number,
                                                            reply.leader, newest, reply.index));
    }
    life = reply.life;
    newest = reply.index;
    return;
  }
  if (client.request.kind == Request::Kind::read) {
    const auto value = truth.value_at(client.request.key, reply.index);
    if (reply.value != value) {
      truth.broken("I9_reads_are_of_their_time",
                   fmt::format("client {} read {} = {} at {} up to {}, where it is {}", client.number, client.request.key,
                               reply.value.value_or("nothing"), reply.leader, reply.index, value.value_or("nothing")));
    }
    if (const auto wrong = truth.linear.end_read(client.begun, reply.index)) {
      truth.broken("I9_reads_are_of_their_time", fmt::format("client {} at {}: {}", client.number, reply.leader, *wrong));
    }
    return;
  }
  if (client.in_session) {
    const auto known = truth.result_of(client.command.client, client.command.number);
    if (!known || known->first != reply.index || known->second != reply.value) {
      truth.broken("I8_acknowledged_writes_stay",
                   fmt::format("client {} was told that its write {} took place at {}, with another result or none there", client.number,
                               client.command.number, reply.index));
    }
  }
  if (reply.index > truth.most_applied())
    truth.broken("I8_acknowledged_writes_stay", fmt::format("a write at {} is acknowledged that nobody has applied", reply.index));
  if (const auto wrong = truth.linear.end_write(client.begun, reply.index)) {
    truth.broken("I8_acknowledged_writes_stay", fmt::format("client {} at {}: {}", client.number, reply.leader, *wrong));
  }
}

void Clients::end_history() {
  for (Client& client : clients_) {
    if (!client.under_way) continue;
    client.unsure = true;
    record(client, nullptr);
  }
}

/// A call that has ended, as a line of tools/lincheck. Local reads are not meant to be linearizable.
void Clients::record(const Client& client, const Reply* reply) {
  if (history_ == nullptr || client.request.kind == Request::Kind::local_read) return;
  const auto text = [](const std::optional<std::string>& value) { return value ? "\"" + *value + "\"" : "null"; };
  const bool read = client.request.kind == Request::Kind::read;
  constexpr std::string_view kNames[] = {"", "put", "add", "cas", "delete", "append"};
  std::string line =
      fmt::format(R"({{"client":{},"op":"{}","key":"g{}/{}","call":{})", client.number, read ? "get" : kNames[static_cast<size_t>(client.command.op)],
                  client.group, client.request.key, client.made.time_since_epoch().count());
  if (!read && client.command.op != Op::remove) line += fmt::format(R"(,"value":"{}")", client.command.value);
  if (!read && client.command.op == Op::cas) line += fmt::format(R"(,"expect":{})", text(client.command.expected));
  if (reply == nullptr) {
    line += fmt::format(R"(,"status":"{}")", client.unsure && !read ? "unknown" : "fail");
  } else {
    line += fmt::format(R"(,"return":{})", world_.world.now().time_since_epoch().count());
    if (read) line += fmt::format(R"(,"result":{})", text(reply->value));
    if (!read && client.command.op == Op::add) line += fmt::format(R"(,"result":{})", text(reply->value));
    if (!read && client.command.op == Op::cas) line += fmt::format(R"(,"result":"{}")", reply->value == "\x01" ? "true" : "false");
  }
  fmt::print(history_, "{}}}\n", line);
}

}  // namespace sofa::raft_sim
