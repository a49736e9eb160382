package sofa.interop;

import com.alipay.sofa.rpc.transport.SofaStreamObserver;

/** Both directions between the stream service of SOFARPC and what the checks and the servers share. */
final class SofaStreams {
    /** The service that a server exports. */
    static SofaStreamService serve(StreamPeer peer) {
        return new SofaStreamService() {
            @Override
            public void users(int times, SofaStreamObserver<User> out) {
                peer.users(times, sink(out));
            }

            @Override
            public SofaStreamObserver<User> total(SofaStreamObserver<Long> out) {
                return observer(peer.total(sink(out)));
            }

            @Override
            public SofaStreamObserver<String> shout(SofaStreamObserver<String> out) {
                return observer(peer.shout(sink(out)));
            }
        };
    }

    /** The service that a client calls. */
    static StreamPeer call(SofaStreamService service) {
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

    private static <T> Sink<T> sink(SofaStreamObserver<T> observer) {
        return Sink.of(observer::onNext, observer::onError, observer::onCompleted);
    }

    private static <T> SofaStreamObserver<T> observer(Sink<T> sink) {
        return new SofaStreamObserver<>() {
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

    private SofaStreams() {}
}
