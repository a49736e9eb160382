package sofa.interop;

import static sofa.interop.GrpcContract.BIDI_STREAM;
import static sofa.interop.GrpcContract.CLIENT_STREAM;
import static sofa.interop.GrpcContract.ECHO;
import static sofa.interop.GrpcContract.MISSING;
import static sofa.interop.GrpcContract.SERVER_STREAM;
import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.Codec;
import io.grpc.CompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** grpc-java on the contract's gRPC service (docs/protocols/interop-service.md, section 3): GrpcJavaClient HOST:PORT. */
public final class GrpcJavaClient {
    private static final int SECONDS = 20;

    private final ManagedChannel channel;

    private GrpcJavaClient(ManagedChannel channel) {
        this.channel = channel;
    }

    public static void main(String[] args) throws Exception {
        CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
        compressors.register(new Codec.Gzip());
        compressors.register(new UnknownCodec());
        ManagedChannel channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().compressorRegistry(compressors).build();
        Suite suite = new Suite(() -> {});
        new GrpcJavaClient(channel).add(suite);
        boolean passed = suite.run(null);
        channel.shutdownNow().awaitTermination(SECONDS, TimeUnit.SECONDS);
        System.exit(passed ? 0 : 1);
    }

    private void add(Suite suite) {
        suite.check("echo.fields", this::echoKeepsEveryField);
        for (int size : new int[] {0, 1, 16384, 65536, 3 << 20}) {
            suite.check("size." + size, () -> echoBlob(size, options()));
            suite.check("gzip." + size, () -> echoBlob(size, options().withCompression("gzip")));
        }
        suite.check("compression.unknown", () -> {
            Status status = failure(() -> echoBlob(1000, options().withCompression(UnknownCodec.NAME)));
            equal(Status.Code.UNIMPLEMENTED, status.getCode());
            that(status.getDescription().contains(UnknownCodec.NAME) && status.getDescription().contains("gzip"), status.getDescription());
        });
        suite.check("fail", () -> {
            Status status = failure(() -> echo(EchoRequest.newBuilder().setFail("ed 100% 中").build(), options()));
            equal(Status.Code.UNKNOWN, status.getCode());
            equal("boom ed 100% 中", status.getDescription());
        });
        suite.check("unimplemented", () -> equal(
            Status.Code.UNIMPLEMENTED, failure(() -> ClientCalls.blockingUnaryCall(channel, MISSING, options(), text("x"))).getCode()));
        suite.check("over_the_limit", () -> equal(Status.Code.RESOURCE_EXHAUSTED, failure(() -> echoBlob(33 << 20, options())).getCode()));
        suite.check("deadline", this::deadlineIsObeyed);
        suite.check("many_at_once", this::manyCallsAtOnce);
        addStreams(suite);
    }

    private void addStreams(Suite suite) {
        suite.check("stream.server", () -> {
            int index = 0;
            for (Iterator<EchoResponse> all = serverStream(request(1000).setText("s").build(), options()); all.hasNext(); index++) {
                EchoResponse answer = all.next();
                equal("s", answer.getText());
                equal(index, answer.getIndex());
            }
            equal(1000, index);
        });
        suite.check("stream.server_empty", () -> that(!serverStream(request(0).build(), options()).hasNext(), "an answer where none is due"));
        suite.check("stream.client", () -> {
            Answers answers = new Answers();
            StreamObserver<EchoRequest> out = ClientCalls.asyncClientStreamingCall(channel.newCall(CLIENT_STREAM, options()), answers);
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < 100; i++) {
                out.onNext(text(String.valueOf(i)));
                all.append(i);
            }
            out.onCompleted();
            EchoResponse answer = answers.next();
            equal(all.toString(), answer.getText());
            equal(100, answer.getIndex());
            equal(Status.Code.OK, answers.end().getCode());
        });
        suite.check("stream.bidi", this::bidiAnswersEachBeforeTheNext);
        suite.check("stream.fails_after_its_messages", () -> {
            Answers answers = new Answers();
            StreamObserver<EchoRequest> out = ClientCalls.asyncBidiStreamingCall(channel.newCall(BIDI_STREAM, options()), answers);
            out.onNext(text("a"));
            out.onNext(EchoRequest.newBuilder().setFail("ed").build());
            equal("a", answers.next().getText());
            equal("boom ed", answers.end().getDescription());
        });
        suite.check("stream.cancelled", this::cancelledStreamLeavesTheConnection);
        suite.check("stream.deadline", () -> {
            CallOptions soon = CallOptions.DEFAULT.withDeadlineAfter(300, TimeUnit.MILLISECONDS);
            equal(Status.Code.DEADLINE_EXCEEDED, failure(() -> {
                Iterator<EchoResponse> all = serverStream(request(1_000_000).setSleepMs(50).build(), soon);
                while (all.hasNext()) {
                    all.next();
                }
            }).getCode());
        });
    }

    private void echoKeepsEveryField() {
        byte[] blob = new byte[256];
        for (int i = 0; i < blob.length; i++) {
            blob[i] = (byte) i;
        }
        EchoRequest sent = request(7).setText("text 中").setBlob(ByteString.copyFrom(blob)).putAttrs("a", "1").putAttrs("中", "").build();
        EchoResponse answer = echo(sent, options());
        equal(sent.getText(), answer.getText());
        equal(0, answer.getIndex());
        equal(sent.getBlob(), answer.getBlob());
        equal(sent.getAttrsMap(), answer.getAttrsMap());
    }

    private void echoBlob(int size, CallOptions options) {
        ByteString blob = ByteString.copyFrom(new byte[size]);
        equal(blob, echo(EchoRequest.newBuilder().setBlob(blob).build(), options).getBlob());
    }

    private void deadlineIsObeyed() throws Throwable {
        long begun = System.nanoTime();
        CallOptions soon = CallOptions.DEFAULT.withDeadlineAfter(200, TimeUnit.MILLISECONDS);
        equal(Status.Code.DEADLINE_EXCEEDED, failure(() -> echo(EchoRequest.newBuilder().setSleepMs(10_000).build(), soon)).getCode());
        that(System.nanoTime() - begun < TimeUnit.SECONDS.toNanos(5), "the deadline came late");
    }

    private void manyCallsAtOnce() throws Exception {
        List<ListenableFuture<EchoResponse>> calls = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            EchoRequest sent = EchoRequest.newBuilder().setText(String.valueOf(i)).setSleepMs(i % 20).build();
            calls.add(ClientCalls.futureUnaryCall(channel.newCall(ECHO, options()), sent));
        }
        for (int i = 0; i < calls.size(); i++) {
            equal(String.valueOf(i), calls.get(i).get(SECONDS, TimeUnit.SECONDS).getText());
        }
    }

    private void bidiAnswersEachBeforeTheNext() throws Exception {
        Answers answers = new Answers();
        StreamObserver<EchoRequest> out = ClientCalls.asyncBidiStreamingCall(channel.newCall(BIDI_STREAM, options()), answers);
        for (int i = 0; i < 50; i++) {
            out.onNext(text(String.valueOf(i)));
            EchoResponse answer = answers.next();
            equal(String.valueOf(i), answer.getText());
            equal(i, answer.getIndex());
        }
        out.onCompleted();
        equal(Status.Code.OK, answers.end().getCode());
    }

    private void cancelledStreamLeavesTheConnection() {
        var call = channel.newCall(SERVER_STREAM, options());
        Iterator<EchoResponse> all = ClientCalls.blockingServerStreamingCall(call, request(1_000_000).setText("x".repeat(1000)).build());
        equal("x".repeat(1000), all.next().getText());
        call.cancel("enough", null);
        equal("after", echo(text("after"), options()).getText());
    }

    private EchoResponse echo(EchoRequest request, CallOptions options) {
        return ClientCalls.blockingUnaryCall(channel, ECHO, options, request);
    }

    private Iterator<EchoResponse> serverStream(EchoRequest request, CallOptions options) {
        return ClientCalls.blockingServerStreamingCall(channel, SERVER_STREAM, options, request);
    }

    private static Status failure(Suite.Body body) throws Throwable {
        return Suite.thrown(StatusRuntimeException.class, body).getStatus();
    }

    private static CallOptions options() {
        return CallOptions.DEFAULT.withDeadlineAfter(SECONDS, TimeUnit.SECONDS);
    }

    private static EchoRequest text(String text) {
        return EchoRequest.newBuilder().setText(text).build();
    }

    private static EchoRequest.Builder request(int times) {
        return EchoRequest.newBuilder().setTimes(times);
    }

    /** What comes back of a stream. */
    private static final class Answers implements StreamObserver<EchoResponse> {
        private final BlockingQueue<Object> received = new ArrayBlockingQueue<>(1000);

        @Override
        public void onNext(EchoResponse answer) {
            received.add(answer);
        }

        @Override
        public void onError(Throwable error) {
            received.add(Status.fromThrowable(error));
        }

        @Override
        public void onCompleted() {
            received.add(Status.OK);
        }

        EchoResponse next() throws InterruptedException {
            return (EchoResponse) received.poll(SECONDS, TimeUnit.SECONDS);
        }

        Status end() throws InterruptedException {
            return (Status) received.poll(SECONDS, TimeUnit.SECONDS);
        }
    }

    /** A compression that no server knows: it leaves the bytes as they are. */
    private static final class UnknownCodec implements Codec {
        static final String NAME = "upside-down";

        @Override
        public String getMessageEncoding() {
            return NAME;
        }

        @Override
        public OutputStream compress(OutputStream out) {
            return out;
        }

        @Override
        public InputStream decompress(InputStream in) {
            return in;
        }
    }
}
