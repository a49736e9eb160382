package sofa.interop;

import com.alipay.sofa.rpc.api.GenericService;
import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.config.MethodConfig;
import com.alipay.sofa.rpc.core.invoke.SofaResponseCallback;
import java.util.List;

/** The proxies of one target; all share the one connection that SOFARPC keeps to an address. */
final class Peers {
    static final int TIMEOUT_MS = 20_000;

    final InteropService plain;
    final InteropService blue;
    final InteropService nobody;
    final InteropService future;
    final InteropService callback;
    final InteropPbService pb;
    final InteropPbService pbNobody;
    final GenericService generic;
    final GenericService genericMissing;
    final ExtraService extra;
    final JsonService json;
    final JsonService jsonNobody;
    final InteropService plainJson;

    Peers(String address) {
        plain = consumer(InteropService.class, InteropService.class.getName(), address, null).refer();
        blue = consumer(InteropService.class, InteropService.class.getName(), address, "blue").refer();
        nobody = consumer(InteropService.class, InteropService.class.getName(), address, "nobody").refer();
        future = consumer(InteropService.class, InteropService.class.getName(), address, null).setInvokeType("future").refer();
        callback = consumer(InteropService.class, InteropService.class.getName(), address, null).setInvokeType("callback").refer();
        pb = consumer(InteropPbService.class, InteropPbService.class.getName(), address, null).setSerialization("protobuf").refer();
        pbNobody = consumer(InteropPbService.class, InteropPbService.class.getName(), address, "nobody").setSerialization("protobuf").refer();
        generic = consumer(GenericService.class, InteropService.class.getName(), address, null).setGeneric(true).refer();
        extra = consumer(ExtraService.class, ExtraService.class.getName(), address, null).refer();
        json = consumer(JsonService.class, JsonService.class.getName(), address, null).setSerialization("json").refer();
        jsonNobody = consumer(JsonService.class, JsonService.class.getName(), address, "nobody").setSerialization("json").refer();
        plainJson = consumer(InteropService.class, InteropService.class.getName(), address, null).setSerialization("json").refer();
        genericMissing = consumer(GenericService.class, "sofa.interop.MissingService", address, null).setGeneric(true).refer();
    }

    static <T> ConsumerConfig<T> consumer(Class<T> proxy, String interfaceId, String address, String uniqueId) {
        ConsumerConfig<T> config = new ConsumerConfig<>();
        config.setInterfaceId(interfaceId).setDirectUrl("bolt://" + address).setProtocol("bolt").setRegister(false);
        config.setTimeout(TIMEOUT_MS).setRetries(0).setRepeatedReferLimit(-1).setReconnectPeriod(2000).setConnectTimeout(3000);
        if (uniqueId != null) {
            config.setUniqueId(uniqueId);
        }
        if (proxy == InteropService.class) {
            config.setMethods(List.of(new MethodConfig().setName("note").setInvokeType("oneway")));
        }
        return config;
    }

    /** Keeps the one answer of a callback call. */
    static final class Answer implements SofaResponseCallback<Object> {
        final java.util.concurrent.CompletableFuture<Object> result = new java.util.concurrent.CompletableFuture<>();

        @Override
        public void onAppResponse(Object value, String method, com.alipay.sofa.rpc.core.request.RequestBase request) {
            result.complete(value);
        }

        @Override
        public void onAppException(Throwable e, String method, com.alipay.sofa.rpc.core.request.RequestBase request) {
            result.completeExceptionally(e);
        }

        @Override
        public void onSofaException(com.alipay.sofa.rpc.core.exception.SofaRpcException e, String method,
                                    com.alipay.sofa.rpc.core.request.RequestBase request) {
            result.completeExceptionally(e);
        }
    }
}
