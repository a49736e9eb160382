package sofa.interop;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;

/** Where Dubbo 2.7 differs from 3 for those who call; ../dubbo-java has the other one. */
final class DubboVersion {
    /** A serialization that the server does not speak, and its id. */
    static final String OTHER_SERIALIZATION = "fastjson";
    static final int OTHER_SERIALIZATION_ID = 6;
    /** Whether a caller sees the attachments of its answers in RpcContext.getServerContext(). */
    static final boolean SHOWS_ANSWER_ATTACHMENTS = false;

    static void configure(ApplicationConfig application) {
        application.setQosEnable(false);
    }

    static RpcContext callContext() {
        return RpcContext.getContext();
    }

    /** Dubbo 2.7 has no Triple. */
    static void addStreamChecks(Suite suite, DubboConsumers consumers) {}

    private DubboVersion() {}
}
