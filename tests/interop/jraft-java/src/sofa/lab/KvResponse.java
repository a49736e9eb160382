package sofa.lab;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;

/** An answer to the lab's clients; its content on the wire is a status byte and the rest. */
public final class KvResponse implements Serializable {
    private static final long serialVersionUID = 1;

    final byte[] bytes;

    private KvResponse(int status, byte[] rest) {
        bytes = new byte[1 + rest.length];
        bytes[0] = (byte) status;
        System.arraycopy(rest, 0, bytes, 1, rest.length);
    }

    static KvResponse ok(byte[] result) {
        return new KvResponse(0, result);
    }

    static KvResponse notLeader(String leader) {
        return new KvResponse(1, leader.getBytes(StandardCharsets.UTF_8));
    }

    static KvResponse error(String text) {
        return new KvResponse(2, text.getBytes(StandardCharsets.UTF_8));
    }

    static KvResponse missing() {
        return new KvResponse(3, new byte[0]);
    }
}
