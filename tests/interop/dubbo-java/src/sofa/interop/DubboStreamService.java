package sofa.interop;

import org.apache.dubbo.common.stream.StreamObserver;

/** The stream service as Dubbo knows it (docs/protocols/triple.md, section 6). */
public interface DubboStreamService {
    void users(int times, StreamObserver<User> out);

    StreamObserver<User> total(StreamObserver<Long> out);

    StreamObserver<String> shout(StreamObserver<String> out);
}
