// A stream of TLS is a stream: bytes in every shape, back-pressure, the ends.

#include "tls_fixture.h"

namespace sofa::io {
namespace {

/// Passes on what comes from one stream to another in pieces of at most `piece` bytes, each in its own write, and at last the end.
Task<Result<void>> relay(Stream& from, Stream& to, size_t piece) {
  Buffer in;
  while (co_await or_return(from.read_some(in, piece)) > 0) {
    co_await or_return(to.write(in.take()));
    to.flush();
  }
  to.shutdown_write();
  co_return kOk;
}

TEST_F(Tls, APeerWhoseBytesComeOneAtATimeIsUnderstood) {
  run_ok(runtime_, [&]() -> Body {
    Pair left = co_await or_return(connected_pair(loopback()));
    Pair right = co_await or_return(connected_pair(loopback()));
    TaskGroup group(co_await current_scope());
    group.spawn("there", relay(left.server, right.client, 1));
    group.spawn("back", relay(right.client, left.server, 1));
    Pair ends = co_await or_return(secured({std::move(left.client), std::move(right.server)}));
    const std::string text(5000, 't');
    co_await or_return(ends.client.write(Bytes::copy_of(text)));
    EXPECT_EQ(co_await or_return(read_text(ends.server, text.size())), text);
    co_await or_return(ends.server.write(Bytes::literal("ok")));
    ends.client.shutdown_write();
    ends.server.shutdown_write();
    EXPECT_EQ(co_await or_return(read_text(ends.client, 10)), "ok");
    EXPECT_EQ(co_await or_return(read_text(ends.server, 1)), "");
    co_await or_return(co_await group.join());
    co_return kOk;
  });
}

class TlsSizes : public Tls, public ::testing::WithParamInterface<size_t> {};
INSTANTIATE_TEST_SUITE_P(Chunks, TlsSizes, ::testing::Values(100, 16384, 16385, 100'000, 1'000'000));

TEST_P(TlsSizes, MovesMegabytesBothWaysAtOnceUnderBackPressure) {
  run_ok(runtime_, [&]() -> Body {
    const size_t chunk = GetParam();
    const size_t total = chunk < 1000 ? 1 << 20 : 8 << 20;
    Pair pair = co_await or_return(secure_pair());
    TaskGroup group(co_await current_scope());
    group.spawn("there", send_numbers(pair.client, total, chunk));
    group.spawn("back", send_numbers(pair.server, total, chunk));
    size_t back = 0;
    group.spawn("receive", [](Stream& stream, size_t& out) -> Task<Result<void>> {
      out = co_await or_return(receive_numbers(stream));
      co_return kOk;
    }(pair.client, back));
    EXPECT_EQ(co_await or_return(receive_numbers(pair.server)), total);
    co_await or_return(co_await group.join());
    EXPECT_EQ(back, total);
    co_return kOk;
  });
}

TEST_F(Tls, WritesAtOnceWhatFitsAndNothingPastTheQueue) {
  run_ok(runtime_, [&]() -> Body {
    Pair pair = co_await or_return(secure_pair());
    const std::string big(64 << 20, 'x');  // more than any socket buffer
    const size_t taken = pair.client.write_now(as_bytes(big));
    EXPECT_GT(taken, 0U);
    EXPECT_LT(taken, big.size());
    EXPECT_GT(pair.client.pending_write_bytes(), 0U);
    EXPECT_LT(pair.client.pending_write_bytes(), 128U << 10) << "no more is encrypted than one batch ahead";
    EXPECT_EQ(pair.client.write_now(as_bytes("never")), 0U) << "the socket is full";
    co_await or_return(pair.client.write(Bytes::literal("end")));
    const bool same = co_await or_return(read_text(pair.server, taken + 3)) == big.substr(0, taken) + "end";
    EXPECT_TRUE(same);
    co_return kOk;
  });
}

TEST_F(Tls, APeerThatNeverReadsFillsTheQueueAndThenStalls) {
  run_ok(runtime_, [&]() -> Body {
    StreamOptions options{.max_write_queue = 1 << 20, .write_stall_timeout = milliseconds(100)};
    Pair pair = co_await or_return(secure_pair(options));
    const Bytes chunk = Bytes::copy_of(std::string(100'000, 'x'));
    Result<void> written;
    for (int i = 0; i < 1000 && written; ++i) {
      written = pair.client.write(chunk);
      co_await yield();
      pair.client.flush();
    }
    EXPECT_EQ(written.error().code(), Code::resource_exhausted);
    EXPECT_LE(pair.client.pending_write_bytes(), size_t{1} << 20);
    auto drained = co_await pair.client.drained();
    EXPECT_EQ(drained.error().code(), Code::deadline_exceeded) << drained.error().to_string();
    co_return kOk;
  });
}

TEST_F(Tls, ABusyStreamLetsOthersHaveTheirTurn) {
  run_ok(runtime_, []() -> Body {
    Pair pair = co_await or_return(secure_pair());
    TaskGroup group(co_await current_scope());
    group.spawn("sender", send_numbers(pair.client, 4 << 20, 64 * 1024));
    EXPECT_GT(co_await or_return(turns_beside_reading(pair.server)), 50U);
    co_await or_return(co_await group.join());
    co_return kOk;
  });
}

TEST_F(Tls, HalfClosedPeerStillReads) {
  run_ok(runtime_, []() -> Body {
    Pair pair = co_await or_return(secure_pair());
    co_await or_return(pair.client.write(Bytes::literal("last")));
    pair.client.shutdown_write();
    EXPECT_EQ(co_await or_return(read_text(pair.server, 100)), "last");
    co_await or_return(pair.server.write(Bytes::literal("answer")));
    EXPECT_EQ(co_await or_return(read_text(pair.client, 6)), "answer");
    EXPECT_EQ(pair.client.write(Bytes::literal("more")).error().code(), Code::failed_precondition);
    Buffer in;
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 0U);
    EXPECT_EQ(co_await or_return(pair.server.read_some(in)), 0U);
    co_return kOk;
  });
}

TEST_F(Tls, ClosingTellsTheEnd) {
  run_ok(runtime_, []() -> Body {
    Pair flushed = co_await or_return(secure_pair());
    co_await or_return(flushed.client.write(Bytes::literal("last")));
    co_await or_return(co_await flushed.client.close_after_flush());
    EXPECT_EQ(co_await or_return(read_text(flushed.server, 100)), "last");
    Pair closed = co_await or_return(secure_pair());
    closed.client.close();
    Buffer in;
    EXPECT_EQ(co_await or_return(closed.server.read_some(in)), 0U);
    co_return kOk;
  });
}

TEST_F(Tls, AnEndWithoutCloseNotifyIsAnError) {
  run_ok(runtime_, [&]() -> Body {
    Pair left = co_await or_return(connected_pair(loopback()));
    Pair right = co_await or_return(connected_pair(loopback()));
    TaskGroup group(co_await current_scope());
    group.spawn("there", relay(left.server, right.client, 65536));
    group.spawn("back", relay(right.client, left.server, 65536));
    Pair ends = co_await or_return(secured({std::move(left.client), std::move(right.server)}));
    co_await or_return(ends.client.write(Bytes::literal("pay 1000")));
    EXPECT_EQ(co_await or_return(read_text(ends.server, 8)), "pay 1000");
    right.client.shutdown_write();  // the one in the middle cuts the connection
    Buffer in;
    auto got = co_await ends.server.read_some(in);
    EXPECT_FALSE(got.has_value());
    if (!got) {
      EXPECT_EQ(got.error().code(), Code::data_loss);
      expect_says(got.error(), {"without TLS's close_notify", "cut short"});
    }
    EXPECT_FALSE(ends.server.is_open());
    left.server.close();
    right.client.close();
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

TEST_F(Tls, AChangedByteIsAnErrorAndClosesTheStream) {
  run_ok(runtime_, [&]() -> Body {
    Pair left = co_await or_return(connected_pair(loopback()));
    Pair right = co_await or_return(connected_pair(loopback()));
    TaskGroup group(co_await current_scope());
    CancelSource relays(co_await current_scope());
    group.spawn("there", relays.run(relay(left.server, right.client, 65536)));
    group.spawn("back", relay(right.client, left.server, 65536));
    Pair ends = co_await or_return(secured({std::move(left.client), std::move(right.server)}));
    relays.cancel();
    co_await yield();
    co_await or_return(ends.client.write(Bytes::literal("pay 1000")));
    Buffer record;
    co_await or_return(left.server.read_some(record));
    std::string changed(as_text(record.span()));
    changed.back() = static_cast<char>(changed.back() ^ 1);
    co_await or_return(right.client.write(Bytes::copy_of(changed)));
    Buffer in;
    auto got = co_await ends.server.read_some(in);
    EXPECT_FALSE(got.has_value());
    if (!got) expect_says(got.error(), {"bad record mac"});
    left.server.close();
    right.client.close();
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
