package sofa.lab;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.core.StateMachineAdapter;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** The lab's map of keys to values (docs/protocols/jraft.md, the lab). Every method may be called from any thread. */
final class KvMachine extends StateMachineAdapter {
    static final int PUT = 1, ADD = 2, CAS = 3, DELETE = 4, APPEND = 5;
    private static final String SNAPSHOT_FILE = "data";
    private static final byte[] DONE = {1}, NOT_DONE = {0};

    /** The closure of a write: JRaft runs it once the result is set, or with the reason why the write was refused or lost. */
    abstract static class WriteDone implements Closure {
        byte[] result = new byte[0];
    }

    private final TreeMap<byte[], byte[]> values = new TreeMap<>(Arrays::compareUnsigned);

    @Override
    public void onApply(Iterator entries) {
        while (entries.hasNext()) {
            // A copy of the position: JRaft still writes and sends from this buffer.
            byte[] result = apply(entries.getData().duplicate());
            if (entries.done() instanceof WriteDone done) {
                done.result = result;
                done.run(Status.OK());
            }
            entries.next();
        }
    }

    synchronized byte[] get(byte[] key) {
        return values.get(key);
    }

    synchronized byte[] dump() {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            write(bytes);
            return bytes.toByteArray();
        } catch (IOException unexpected) {
            throw new IllegalStateException(unexpected);
        }
    }

    /** An op that is unknown or too short changes nothing and gives an empty result. */
    private synchronized byte[] apply(ByteBuffer entry) {
        if (entry.remaining() < 3) {
            return new byte[0];
        }
        int op = entry.get();
        int keyLength = Short.toUnsignedInt(entry.getShort());
        if (keyLength > entry.remaining()) {
            return new byte[0];
        }
        byte[] key = take(entry, keyLength);
        switch (op) {
            case PUT:
                values.put(key, take(entry, entry.remaining()));
                return DONE;
            case ADD:
                byte[] sum = add(values.get(key), entry.getLong());
                values.put(key, sum);
                return sum;
            case CAS:
                int expectLength = entry.getInt();
                byte[] expect = expectLength == -1 ? null : take(entry, expectLength);
                if (!Arrays.equals(values.get(key), expect)) {
                    return NOT_DONE;
                }
                values.put(key, take(entry, entry.remaining()));
                return DONE;
            case DELETE:
                values.remove(key);
                return DONE;
            case APPEND:
                values.put(key, joined(values.getOrDefault(key, new byte[0]), take(entry, entry.remaining())));
                return DONE;
            default:
                return new byte[0];
        }
    }

    private static byte[] add(byte[] value, long delta) {
        long before = value == null ? 0 : Long.parseLong(new String(value, StandardCharsets.US_ASCII));
        return Long.toString(before + delta).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static byte[] take(ByteBuffer from, int length) {
        byte[] taken = new byte[length];
        from.get(taken);
        return taken;
    }

    @Override
    public synchronized void onSnapshotSave(SnapshotWriter writer, Closure done) {
        try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(Path.of(writer.getPath(), SNAPSHOT_FILE)))) {
            write(file);
        } catch (IOException failed) {
            done.run(new Status(RaftError.EIO, "Fail to save the snapshot: %s", failed));
            return;
        }
        done.run(writer.addFile(SNAPSHOT_FILE) ? Status.OK() : new Status(RaftError.EIO, "Fail to add the snapshot's file"));
    }

    @Override
    public synchronized boolean onSnapshotLoad(SnapshotReader reader) {
        Path path = Path.of(reader.getPath(), SNAPSHOT_FILE);
        values.clear();
        try (DataInputStream file = new DataInputStream(new BufferedInputStream(Files.newInputStream(path)))) {
            long left = Files.size(path);
            while (left > 0) {
                byte[] key = file.readNBytes(file.readInt());
                byte[] value = file.readNBytes(file.readInt());
                values.put(key, value);
                left -= 8L + key.length + value.length;
            }
            return true;
        } catch (IOException failed) {
            failed.printStackTrace();
            return false;
        }
    }

    private void write(OutputStream to) throws IOException {
        DataOutputStream out = new DataOutputStream(to);
        for (Map.Entry<byte[], byte[]> entry : values.entrySet()) {
            out.writeInt(entry.getKey().length);
            out.write(entry.getKey());
            out.writeInt(entry.getValue().length);
            out.write(entry.getValue());
        }
        out.flush();
    }
}
