package sofa.interop;

import org.apache.dubbo.common.stream.StreamObserver;

/** Both directions between the stream service of Dubbo and what the checks and the servers share. */
final class DubboStreams {
    /** The service that a server exports. */
    static DubboStreamService serve(StreamPeer peer) {
        return new DubboStreamService() {
            @Override
            public void users(int times, StreamObserver<User> out) {
                peer.users(times, sink(out));
            }

            @Override
            public StreamObserver<User> total(StreamObserver<Long> out) {
                return observer(peer.total(sink(out)));
            }

            @Override
            public StreamObserver<String> shout(StreamObserver<String> out) {
                return observer(peer.shout(sink(out)));
            }
        };
    }

    /** The service that a client calls. */
    static StreamPeer call(DubboStreamService service) {
        return new StreamPeer() {
            @Override
            public void users(int times, Sink<User> out) {
                service.users(times, observer(out));
            }

            @Override
            public Sink<User> total(Sink<Long> out) {
                return sink(service.total(observer(out)));
            }

            @Override
            public Sink<String> shout(Sink<String> out) {
                return sink(service.shout(observer(out)));
            }
        };
    }

    private static <T> Sink<T> sink(StreamObserver<T> observer) {
        return Sink.of(observer::onNext, observer::onError, observer::onCompleted);
    }

    private static <T> StreamObserver<T> observer(Sink<T> sink) {
        return new StreamObserver<>() {
            @Override
            public void onNext(T message) {
                sink.next(message);
            }

            @Override
            public void onError(Throwable why) {
                sink.failed(why);
            }

            @Override
            public void onCompleted() {
                sink.completed();
            }
        };
    }

    private DubboStreams() {}
}
