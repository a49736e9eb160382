package sofa.lab;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ReadIndexClosure;
import com.alipay.sofa.jraft.core.NodeTerm;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.rpc.RpcContext;
import com.alipay.sofa.jraft.rpc.RpcProcessor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Supplier;

/** Answers the lab's clients on the Raft port: writes through the log, reads by ReadIndex at any node. */
final class KvProcessor implements RpcProcessor<KvRequest> {
    private static final int GET = 0x10, GET_LOCAL = 0x11, DUMP = 0x12, INFO = 0x13, TRIGGER = 0x14;

    private final KvMachine machine;
    private volatile Node node;

    KvProcessor(KvMachine machine) {
        this.machine = machine;
    }

    /** Requests that come before are answered with an error: the port listens before the node is there. */
    void serve(Node started) {
        node = started;
    }

    @Override
    public String interest() {
        return KvRequest.class.getName();
    }

    @Override
    public void handleRequest(RpcContext context, KvRequest request) {
        Node serving = node;
        byte[] bytes = request.bytes;
        if (serving == null || bytes.length == 0) {
            context.sendResponse(KvResponse.error(serving == null ? "The node is starting." : "The request is empty."));
            return;
        }
        switch (bytes[0]) {
            case KvMachine.PUT, KvMachine.ADD, KvMachine.CAS, KvMachine.DELETE, KvMachine.APPEND -> write(serving, context, bytes);
            case GET -> read(serving, context, () -> value(bytes));
            case GET_LOCAL -> context.sendResponse(value(bytes));
            case DUMP -> read(serving, context, () -> KvResponse.ok(machine.dump()));
            case INFO -> context.sendResponse(KvResponse.ok(info(serving).getBytes(StandardCharsets.UTF_8)));
            case TRIGGER -> serving.snapshot(status ->
                context.sendResponse(status.isOk() ? KvResponse.ok(new byte[] {1}) : KvResponse.error(status.toString())));
            default -> context.sendResponse(KvResponse.error("Unknown op " + bytes[0]));
        }
    }

    private void write(Node serving, RpcContext context, byte[] bytes) {
        if (!serving.isLeader(false)) {
            context.sendResponse(KvResponse.notLeader(leader(serving)));
            return;
        }
        serving.apply(new Task(ByteBuffer.wrap(bytes), new KvMachine.WriteDone() {
            @Override
            public void run(Status status) {
                if (status.isOk()) {
                    context.sendResponse(KvResponse.ok(result));
                } else if (neverTaken(status)) {
                    context.sendResponse(KvResponse.notLeader(leader(serving)));
                } else {
                    context.sendResponse(KvResponse.error(status.toString()));
                }
            }
        }));
    }

    /** What was refused before it entered the log is safe to send again; what was lost on the way ("Leader stepped down") may have happened. */
    private static boolean neverTaken(Status status) {
        return status.getRaftError() == RaftError.EPERM && "Is not leader.".equals(status.getErrorMsg());
    }

    private void read(Node serving, RpcContext context, Supplier<KvResponse> answer) {
        serving.readIndex(new byte[0], new ReadIndexClosure() {
            @Override
            public void run(Status status, long index, byte[] requestContext) {
                context.sendResponse(status.isOk() ? answer.get() : KvResponse.error(status.toString()));
            }
        });
    }

    private KvResponse value(byte[] bytes) {
        int length = bytes.length < 3 ? -1 : (bytes[1] & 0xff) << 8 | bytes[2] & 0xff;
        if (length != bytes.length - 3) {
            return KvResponse.error("The key's length does not fit the request.");
        }
        byte[] found = machine.get(Arrays.copyOfRange(bytes, 3, bytes.length));
        return found == null ? KvResponse.missing() : KvResponse.ok(found);
    }

    /** "state term committed applied leader", the state without its prefix, the leader "-" when none is known. */
    private static String info(Node serving) {
        String known = leader(serving);
        return String.join(" ", serving.getNodeState().name().replaceFirst("^STATE_", ""), Long.toString(NodeTerm.of(serving)),
            Long.toString(serving.getLastCommittedIndex()), Long.toString(serving.getLastAppliedLogIndex()), known.isEmpty() ? "-" : known);
    }

    private static String leader(Node serving) {
        PeerId known = serving.getLeaderId();
        return known == null || known.isEmpty() ? "" : known.toString();
    }
}
