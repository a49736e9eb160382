package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Checks of the stream service, by whatever library calls it. */
final class StreamChecks {
    private static final int SECONDS = 20;
    private static final Object END = new Object();

    /** What came from the server: messages, then END or a Throwable. */
    private static final class Received<T> implements Sink<T> {
        private final BlockingQueue<Object> queue = new LinkedBlockingQueue<>();

        @Override
        public void next(T message) {
            queue.add(message);
        }

        @Override
        public void failed(Throwable why) {
            queue.add(why);
        }

        @Override
        public void completed() {
            queue.add(END);
        }

        Object take() throws InterruptedException {
            Object taken = queue.poll(SECONDS, TimeUnit.SECONDS);
            that(taken != null, "nothing came within " + SECONDS + " s");
            return taken;
        }
    }

    static void add(Suite suite, StreamPeer peer) {
        for (int times : new int[] {0, 1, 300}) {
            suite.check("stream.server." + times, () -> {
                Received<User> received = new Received<>();
                peer.users(times, received);
                for (int id = 0; id < times; id++) {
                    Object user = received.take();
                    that(user instanceof User u && User.of(id, null).sameAs(u), "user " + id + " came as " + user);
                }
                that(received.take() == END, "more than " + times + " users");
            });
        }
        suite.check("stream.server.fails", () -> {
            Received<User> received = new Received<>();
            peer.users(-1, received);
            Object failed = received.take();
            that(failed instanceof Throwable t && t.toString().contains("boom stream"), "the error came as " + failed);
        });
        suite.check("stream.client", () -> {
            Received<Long> received = new Received<>();
            Sink<User> sink = peer.total(received);
            for (int id = 0; id < 100; id++) {
                sink.next(User.of(id, null));
            }
            sink.completed();
            equal(4950L, received.take());
            that(received.take() == END, "one answer");
        });
        suite.check("stream.bidi", () -> {
            Received<String> received = new Received<>();
            Sink<String> sink = peer.shout(received);
            for (String text : new String[] {"a", "", "中文 😀", "x".repeat(100_000)}) {
                sink.next(text);
                equal(text + "!", received.take());
            }
            sink.completed();
            that(received.take() == END, "the end");
        });
    }

    private StreamChecks() {}
}
