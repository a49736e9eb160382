package sofa.interop;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;

/** Where Dubbo 3 differs from 2.7 for those who call; ../dubbo27-java has the other one. */
final class DubboVersion {
    /** A serialization that the server does not speak, and its id. */
    static final String OTHER_SERIALIZATION = "fastjson2";
    static final int OTHER_SERIALIZATION_ID = 23;
    /** Whether a caller sees the attachments of its answers in RpcContext.getServerContext(). */
    static final boolean SHOWS_ANSWER_ATTACHMENTS = true;

    static void configure(ApplicationConfig application) {
        application.setQosEnable(false);
        application.setSerializeCheckStatus("DISABLE");
    }

    /** For the next call alone. */
    static RpcContext callContext() {
        return RpcContext.getClientAttachment();
    }

    /** Over Triple. */
    static void addStreamChecks(Suite suite, DubboConsumers consumers) {
        DubboStreamService service = consumers.<DubboStreamService>reference(DubboStreamService.class.getName(), "1.0").get();
        StreamChecks.add(suite, DubboStreams.call(service));
    }

    private DubboVersion() {}
}
