package sofa.bench;

import com.google.protobuf.StringValue;
import io.grpc.BindableService;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;

/** The service of echo.proto as SOFARPC's compiler writes one: calls go from gRPC to a proxy that SOFARPC sets, so through its filters. */
public final class ProtoEcho implements BindableService, ProtoEchoCalls {
    private static final String NAME = "bench.pb.Echo";
    private static final MethodDescriptor<StringValue, StringValue> CALL = MethodDescriptor.<StringValue, StringValue>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY).setFullMethodName(NAME + "/Call")
        .setRequestMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(StringValue.getDefaultInstance())).build();

    private ProtoEchoCalls proxy = this;

    /** SOFARPC finds it by its name. */
    public void setProxiedImpl(ProtoEchoCalls proxy) {
        this.proxy = proxy;
    }

    @Override
    public StringValue call(StringValue text) {
        return text;
    }

    @Override
    public ServerServiceDefinition bindService() {
        return ServerServiceDefinition.builder(NAME).addMethod(CALL, ServerCalls.asyncUnaryCall((text, observer) -> {
            observer.onNext(proxy.call(text));
            observer.onCompleted();
        })).build();
    }
}
