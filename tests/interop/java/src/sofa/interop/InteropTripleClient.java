package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;

/**
 * Calls the contract over Triple: InteropTripleClient HOST:PORT. The Java interface and the streams go in wrapper mode, the service of section 3 as
 * protobuf messages. Prints as InteropJavaClient does.
 */
public final class InteropTripleClient {
    public static void main(String[] args) throws Exception {
        Arguments.setSofaProperties();
        InteropService plain = consumer(InteropService.class, args[0], "");
        InteropService blue = consumer(InteropService.class, args[0], "blue");
        Suite suite = new Suite(RpcInvokeContext::removeContext);
        ValueChecks.add(suite, plain, "", "");
        ValueChecks.add(suite, blue, "@blue", "blue:");
        suite.check("triple.exception", () -> that(
            thrown(SofaRpcException.class, () -> plain.fail("runtime")).toString().contains("boom runtime"), "the exception's text is lost"));
        suite.check("triple.timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            thrown(SofaTimeOutException.class, () -> plain.sleep(2000));
            equal("hello x", plain.hello("x"));
        });
        StreamChecks.add(suite, SofaStreams.call(consumer(SofaStreamService.class, args[0], "")));
        TripleProtoChecks.add(suite, consumer(InteropTriple.IInterop.class, args[0], ""));
        // SOFARPC leaves threads that do not end by themselves.
        System.exit(suite.run(null) ? 0 : 1);
    }

    private static <T> T consumer(Class<T> type, String address, String uniqueId) {
        ConsumerConfig<T> config = new ConsumerConfig<>();
        config.setInterfaceId(type.getName()).setDirectUrl("tri://" + address).setProtocol("tri").setRegister(false);
        config.setTimeout(Peers.TIMEOUT_MS).setRetries(0).setRepeatedReferLimit(-1);
        if (!uniqueId.isEmpty()) {
            config.setUniqueId(uniqueId);
        }
        return config.refer();
    }

    private InteropTripleClient() {}
}
