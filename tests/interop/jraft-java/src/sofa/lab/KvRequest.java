package sofa.lab;

import java.io.Serializable;

/** A request of the lab's clients; its content on the wire is these bytes and nothing else. */
public final class KvRequest implements Serializable {
    private static final long serialVersionUID = 1;

    final byte[] bytes;

    KvRequest(byte[] bytes) {
        this.bytes = bytes;
    }
}
