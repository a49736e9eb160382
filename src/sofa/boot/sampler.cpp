#include "sofa/boot/sampler.h"

#include "sofa/admin/prometheus.h"
#include "sofa/io/shard.h"
#include "sofa/rpc/inspector.h"

namespace sofa::boot {

namespace {

constexpr Duration kPeriod = std::chrono::seconds(1);
constexpr size_t kUses = 11;        // ten seconds
constexpr int kLooksAtMetrics = 5;  // every so many looks

}  // namespace

Sampler::Sampler(RunningApplication& application, const AdminSection& section, ReadMetrics read_metrics)
    : application_(application),
      read_metrics_(std::move(read_metrics)),
      calls_({.seconds = section.call_history, .methods = section.call_history_methods}),
      metrics_({.samples = section.metric_history / kLooksAtMetrics, .series = section.metric_history_series}) {}

void Sampler::start() {
  looking_ = std::make_unique<io::TaskGroup>();
  looking_->spawn("figures", look_every_second());
}

io::Task<void> Sampler::stop() {
  if (looking_ == nullptr) co_return;
  looking_->cancel("the program is stopping");
  (void)co_await looking_->join();
  looking_ = nullptr;
}

io::Task<void> Sampler::look_every_second() {
  int looks = 0;
  do {
    co_await look();
    if (looks++ % kLooksAtMetrics == 0) co_await look_at_metrics();
  } while (co_await io::sleep_for(kPeriod));
}

io::Task<void> Sampler::look_at_metrics() {
  if (auto values = co_await read_metrics_()) metrics_.add(io::Shard::current().now(), *values);
}

io::Task<void> Sampler::look() {
  const admin::ProcessUse use = admin::process_use();
  resident_bytes_ = use.resident_bytes;
  uses_.push_back({io::Shard::current().now(), use.cpu});
  if (uses_.size() > kUses) uses_.pop_front();
  const rpc::RunningServer* const server = application_.server();
  if (server == nullptr) co_return;
  if (const auto open = co_await server->inspector().open_connections()) connections_ = *open;
  if (server->calls() == nullptr) co_return;
  if (auto now = co_await server->calls()->read()) calls_.add(std::move(*now));
}

double Sampler::cpu_cores() const {
  if (uses_.size() < 2) return 0;
  const Use &first = uses_.front(), &last = uses_.back();
  if (last.at == first.at) return 0;
  return std::chrono::duration<double>(last.cpu - first.cpu) / std::chrono::duration<double>(last.at - first.at);
}

}  // namespace sofa::boot
