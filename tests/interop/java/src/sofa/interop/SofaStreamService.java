package sofa.interop;

import com.alipay.sofa.rpc.transport.SofaStreamObserver;

/** The stream service as SOFARPC knows it (docs/protocols/triple.md, section 6). */
public interface SofaStreamService {
    void users(int times, SofaStreamObserver<User> out);

    SofaStreamObserver<User> total(SofaStreamObserver<Long> out);

    SofaStreamObserver<String> shout(SofaStreamObserver<String> out);
}
