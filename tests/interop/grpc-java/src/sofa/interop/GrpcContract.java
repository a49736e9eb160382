package sofa.interop;

import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoUtils;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** The methods of the contract's gRPC service (docs/protocols/interop-service.md, section 3), for its client and its server. */
final class GrpcContract {
    static final String SERVICE = "sofa.interop.pb.Interop";
    static final MethodDescriptor<EchoRequest, EchoResponse> ECHO = method("Echo", MethodDescriptor.MethodType.UNARY);
    static final MethodDescriptor<EchoRequest, EchoResponse> MISSING = method("Missing", MethodDescriptor.MethodType.UNARY);
    static final MethodDescriptor<EchoRequest, EchoResponse> SERVER_STREAM = method("ServerStream", MethodDescriptor.MethodType.SERVER_STREAMING);
    static final MethodDescriptor<EchoRequest, EchoResponse> CLIENT_STREAM = method("ClientStream", MethodDescriptor.MethodType.CLIENT_STREAMING);
    static final MethodDescriptor<EchoRequest, EchoResponse> BIDI_STREAM = method("BidiStream", MethodDescriptor.MethodType.BIDI_STREAMING);

    private static MethodDescriptor<EchoRequest, EchoResponse> method(String name, MethodDescriptor.MethodType type) {
        return MethodDescriptor.<EchoRequest, EchoResponse>newBuilder().setType(type)
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
            .setRequestMarshaller(ProtoUtils.marshaller(EchoRequest.getDefaultInstance()))
            .setResponseMarshaller(ProtoUtils.marshaller(EchoResponse.getDefaultInstance())).build();
    }

    private GrpcContract() {}
}
