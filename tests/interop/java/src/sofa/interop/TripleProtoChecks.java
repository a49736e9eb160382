package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import com.google.protobuf.ByteString;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** The gRPC service of the contract (section 3), called by SOFARPC's client through a stub of protobuf messages. */
final class TripleProtoChecks {
    /** All answers of a call that streams, or its error. */
    private static final class All implements StreamObserver<EchoResponse> {
        private final List<EchoResponse> answers = new ArrayList<>();
        private final CompletableFuture<List<EchoResponse>> whole = new CompletableFuture<>();

        @Override
        public void onNext(EchoResponse answer) {
            answers.add(answer);
        }

        @Override
        public void onError(Throwable why) {
            whole.completeExceptionally(why);
        }

        @Override
        public void onCompleted() {
            whole.complete(answers);
        }

        List<EchoResponse> get() throws Exception {
            return whole.get(20, TimeUnit.SECONDS);
        }
    }

    static void add(Suite suite, InteropTriple.IInterop service) {
        suite.check("proto.echo", () -> {
            EchoResponse answer = service.echo(EchoRequest.newBuilder().setText("中文").setBlob(ByteString.copyFrom(new byte[] {0, -1})).putAttrs("k", "v").build());
            equal("中文", answer.getText());
            equal(ByteString.copyFrom(new byte[] {0, -1}), answer.getBlob());
            equal("v", answer.getAttrsMap().get("k"));
            equal(0, answer.getIndex());
        });
        suite.check("proto.3_mib", () -> equal(3 << 20, service.echo(text("x".repeat(3 << 20))).getText().length()));
        suite.check("proto.fail", () -> that(
            thrown(SofaRpcException.class, () -> service.echo(EchoRequest.newBuilder().setFail("pb").build())).toString().contains("boom pb"), "the text is lost"));
        suite.check("proto.timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            thrown(SofaTimeOutException.class, () -> service.echo(EchoRequest.newBuilder().setSleepMs(2000).build()));
            equal("x", service.echo(text("x")).getText());
        });
        suite.check("proto.server_stream", () -> {
            Iterator<EchoResponse> answers = service.serverStream(EchoRequest.newBuilder().setText("s").setTimes(5).build());
            for (int index = 0; index < 5; index++) {
                equal(index, answers.next().getIndex());
            }
            that(!answers.hasNext(), "five answers");
        });
        suite.check("proto.client_stream", () -> {
            All all = new All();
            send(service.clientStream(all), 10);
            equal("0123456789", all.get().get(0).getText());
            equal(10, all.get().get(0).getIndex());
        });
        suite.check("proto.bidi_stream", () -> {
            All all = new All();
            send(service.bidiStream(all), 10);
            for (int index = 0; index < 10; index++) {
                equal(index, all.get().get(index).getIndex());
                equal(String.valueOf(index), all.get().get(index).getText());
            }
            equal(10, all.get().size());
        });
    }

    private static void send(StreamObserver<EchoRequest> out, int times) {
        for (int i = 0; i < times; i++) {
            out.onNext(text(String.valueOf(i)));
        }
        out.onCompleted();
    }

    private static EchoRequest text(String text) {
        return EchoRequest.newBuilder().setText(text).build();
    }

    private TripleProtoChecks() {}
}
