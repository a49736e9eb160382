package sofa.interop;

import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/**
 * grpc-java's server of the contract's gRPC service (docs/protocols/interop-service.md, section 3): it prints "ready pid=N h2=P" when it listens on a
 * free port of 127.0.0.1, and ends at SIGTERM. Its calls sleep in threads of their own pool.
 */
public final class GrpcJavaServer {
    public static void main(String[] args) throws Exception {
        ServerServiceDefinition service = ServerServiceDefinition.builder(GrpcContract.SERVICE)
            .addMethod(GrpcContract.ECHO, ServerCalls.asyncUnaryCall(GrpcJavaServer::echo))
            .addMethod(GrpcContract.SERVER_STREAM, ServerCalls.asyncServerStreamingCall(GrpcJavaServer::serverStream))
            .addMethod(GrpcContract.CLIENT_STREAM, ServerCalls.asyncClientStreamingCall(GrpcJavaServer::clientStream))
            .addMethod(GrpcContract.BIDI_STREAM, ServerCalls.asyncBidiStreamingCall(GrpcJavaServer::bidiStream)).build();
        Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0)).addService(service).build().start();
        System.out.println("ready pid=" + ProcessHandle.current().pid() + " h2=" + server.getPort());
        server.awaitTermination();
    }

    private static void echo(EchoRequest request, StreamObserver<EchoResponse> out) {
        if (obey(request, out)) {
            out.onNext(answerTo(request, 0));
            out.onCompleted();
        }
    }

    /** Waits for the client between two answers: an unbounded stream must not fill the memory. */
    private static void serverStream(EchoRequest request, StreamObserver<EchoResponse> observer) {
        ServerCallStreamObserver<EchoResponse> out = (ServerCallStreamObserver<EchoResponse>) observer;
        int[] index = {0};
        Runnable send = () -> {
            while (index[0] < request.getTimes() && out.isReady() && !out.isCancelled()) {
                if (!obey(request, out)) {
                    return;
                }
                out.onNext(answerTo(request, index[0]++));
            }
            if (index[0] == request.getTimes()) {
                index[0]++;
                out.onCompleted();
            }
        };
        out.setOnCancelHandler(() -> {});
        out.setOnReadyHandler(send);
        send.run();
    }

    private static StreamObserver<EchoRequest> clientStream(StreamObserver<EchoResponse> out) {
        EchoResponse.Builder all = EchoResponse.newBuilder();
        return new Requests(out, request -> all.setText(all.getText() + request.getText()).setIndex(all.getIndex() + 1), () -> out.onNext(all.build()));
    }

    private static StreamObserver<EchoRequest> bidiStream(StreamObserver<EchoResponse> out) {
        int[] index = {0};
        return new Requests(out, request -> out.onNext(answerTo(request, index[0]++)), () -> {});
    }

    /** Sleeps and fails as the request asks; false when it has failed. */
    private static boolean obey(EchoRequest request, StreamObserver<EchoResponse> out) {
        try {
            Thread.sleep(request.getSleepMs());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (request.getFail().isEmpty()) {
            return true;
        }
        out.onError(Status.UNKNOWN.withDescription("boom " + request.getFail()).asRuntimeException());
        return false;
    }

    private static EchoResponse answerTo(EchoRequest request, int index) {
        return EchoResponse.newBuilder().setText(request.getText()).setIndex(index).setBlob(request.getBlob()).putAllAttrs(request.getAttrsMap()).build();
    }

    /** The requests of a stream: each is taken, and after the last one the call ends. */
    private record Requests(StreamObserver<EchoResponse> out, Consumer<EchoRequest> take, Runnable last) implements StreamObserver<EchoRequest> {
        @Override
        public void onNext(EchoRequest request) {
            if (obey(request, out)) {
                take.accept(request);
            }
        }

        @Override
        public void onError(Throwable error) {} // the client has gone

        @Override
        public void onCompleted() {
            last.run();
            out.onCompleted();
        }
    }

    private GrpcJavaServer() {}
}
