package sofa.interop;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.function.BiConsumer;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** The gRPC service of the contract on a SOFARPC server. */
final class InteropTripleImpl extends InteropTriple.ImplBase {
    @Override
    public void echo(EchoRequest request, StreamObserver<EchoResponse> out) {
        if (!request.getFail().isEmpty()) {
            out.onError(Status.UNKNOWN.withDescription("boom " + request.getFail()).asRuntimeException());
            return;
        }
        InteropMethods.pause(request.getSleepMs());
        out.onNext(answer(request, 0));
        out.onCompleted();
    }

    @Override
    public void serverStream(EchoRequest request, StreamObserver<EchoResponse> out) {
        for (int index = 0; index < request.getTimes(); index++) {
            out.onNext(answer(request, index));
        }
        out.onCompleted();
    }

    @Override
    public StreamObserver<EchoRequest> clientStream(StreamObserver<EchoResponse> out) {
        StringBuilder all = new StringBuilder();
        int[] count = {0};
        return each((request, index) -> {
            all.append(request.getText());
            count[0]++;
        }, () -> {
            out.onNext(EchoResponse.newBuilder().setText(all.toString()).setIndex(count[0]).build());
            out.onCompleted();
        });
    }

    @Override
    public StreamObserver<EchoRequest> bidiStream(StreamObserver<EchoResponse> out) {
        return each((request, index) -> out.onNext(answer(request, index)), out::onCompleted);
    }

    private static StreamObserver<EchoRequest> each(BiConsumer<EchoRequest, Integer> take, Runnable end) {
        return new StreamObserver<>() {
            private int index;

            @Override
            public void onNext(EchoRequest request) {
                take.accept(request, index++);
            }

            @Override
            public void onError(Throwable why) {}

            @Override
            public void onCompleted() {
                end.run();
            }
        };
    }

    private static EchoResponse answer(EchoRequest request, int index) {
        return EchoResponse.newBuilder().setText(request.getText()).setIndex(index).setBlob(request.getBlob()).putAllAttrs(request.getAttrsMap()).build();
    }
}
