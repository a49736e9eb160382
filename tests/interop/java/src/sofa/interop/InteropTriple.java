package sofa.interop;

import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.Iterator;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** The stub of the contract's gRPC service (section 3), in the shape that SOFARPC expects of what is generated from a .proto. */
public final class InteropTriple {
    private static final String SERVICE = "sofa.interop.pb.Interop";
    private static final MethodDescriptor<EchoRequest, EchoResponse> ECHO = method("Echo", MethodType.UNARY);
    private static final MethodDescriptor<EchoRequest, EchoResponse> SERVER_STREAM = method("ServerStream", MethodType.SERVER_STREAMING);
    private static final MethodDescriptor<EchoRequest, EchoResponse> CLIENT_STREAM = method("ClientStream", MethodType.CLIENT_STREAMING);
    private static final MethodDescriptor<EchoRequest, EchoResponse> BIDI_STREAM = method("BidiStream", MethodType.BIDI_STREAMING);

    /** Blocking and observing calls; a server implements the observing ones. */
    public interface IInterop {
        default EchoResponse echo(EchoRequest request) {
            throw new UnsupportedOperationException("a server implements the method with an observer");
        }

        default Iterator<EchoResponse> serverStream(EchoRequest request) {
            throw new UnsupportedOperationException("a server implements the method with an observer");
        }

        void echo(EchoRequest request, StreamObserver<EchoResponse> out);

        void serverStream(EchoRequest request, StreamObserver<EchoResponse> out);

        StreamObserver<EchoRequest> clientStream(StreamObserver<EchoResponse> out);

        StreamObserver<EchoRequest> bidiStream(StreamObserver<EchoResponse> out);
    }

    /** SOFARPC's client finds this by its name. */
    public static IInterop getSofaStub(Channel channel, CallOptions options, int timeout) {
        return new Stub(channel, options);
    }

    private record Stub(Channel channel, CallOptions options) implements IInterop {
        @Override
        public EchoResponse echo(EchoRequest request) {
            return ClientCalls.blockingUnaryCall(channel, ECHO, options, request);
        }

        @Override
        public Iterator<EchoResponse> serverStream(EchoRequest request) {
            return ClientCalls.blockingServerStreamingCall(channel, SERVER_STREAM, options, request);
        }

        @Override
        public void echo(EchoRequest request, StreamObserver<EchoResponse> out) {
            ClientCalls.asyncUnaryCall(channel.newCall(ECHO, options), request, out);
        }

        @Override
        public void serverStream(EchoRequest request, StreamObserver<EchoResponse> out) {
            ClientCalls.asyncServerStreamingCall(channel.newCall(SERVER_STREAM, options), request, out);
        }

        @Override
        public StreamObserver<EchoRequest> clientStream(StreamObserver<EchoResponse> out) {
            return ClientCalls.asyncClientStreamingCall(channel.newCall(CLIENT_STREAM, options), out);
        }

        @Override
        public StreamObserver<EchoRequest> bidiStream(StreamObserver<EchoResponse> out) {
            return ClientCalls.asyncBidiStreamingCall(channel.newCall(BIDI_STREAM, options), out);
        }
    }

    /** What a server extends. */
    public abstract static class ImplBase implements BindableService, IInterop {
        private IInterop proxied = this;

        /** SOFARPC's server puts its filters in front of the implementation. */
        public final void setProxiedImpl(IInterop implementation) {
            proxied = implementation;
        }

        @Override
        public final ServerServiceDefinition bindService() {
            return ServerServiceDefinition.builder(SERVICE)
                .addMethod(ECHO, ServerCalls.asyncUnaryCall((request, out) -> proxied.echo(request, out)))
                .addMethod(SERVER_STREAM, ServerCalls.asyncServerStreamingCall((request, out) -> proxied.serverStream(request, out)))
                .addMethod(CLIENT_STREAM, ServerCalls.asyncClientStreamingCall(out -> proxied.clientStream(out)))
                .addMethod(BIDI_STREAM, ServerCalls.asyncBidiStreamingCall(out -> proxied.bidiStream(out)))
                .build();
        }
    }

    private static MethodDescriptor<EchoRequest, EchoResponse> method(String name, MethodType type) {
        return MethodDescriptor.newBuilder(ProtoUtils.marshaller(EchoRequest.getDefaultInstance()), ProtoUtils.marshaller(EchoResponse.getDefaultInstance()))
            .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name)).setType(type).build();
    }

    private InteropTriple() {}
}
