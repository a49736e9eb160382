package sofa.interop;

import com.alipay.sofa.rpc.codec.sofahessian.SofaHessianSerializer;
import com.alipay.sofa.rpc.transport.ByteArrayWrapperByteBuf;
import com.caucho.hessian.io.Hessian2Input;
import com.caucho.hessian.io.Hessian2Output;
import com.caucho.hessian.io.SerializerFactory;
import com.sun.management.OperatingSystemMXBean;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Prints "way case encode decode" in nanoseconds of the process's CPU (its garbage collection is part of its price), warmed, the fastest of ten rounds.
 * The ways: "sofarpc" is SOFARPC's own SofaHessianSerializer; "plain" is sofa-hessian with one shared factory and a reused output, the least that it costs.
 */
public class Bench {
    interface Step { Object run() throws Exception; }

    static final SofaHessianSerializer SERIALIZER = new SofaHessianSerializer();
    static final SerializerFactory FACTORY = new SerializerFactory();
    static final OperatingSystemMXBean PROCESS = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    static volatile Object sink;

    static byte[] plainEncode(Object value, ByteArrayOutputStream out) throws Exception {
        out.reset();
        Hessian2Output hessian = new Hessian2Output(out);
        hessian.setSerializerFactory(FACTORY);
        hessian.writeObject(value);
        hessian.flush();
        return out.toByteArray();
    }

    static Object plainDecode(byte[] bytes) throws Exception {
        Hessian2Input hessian = new Hessian2Input(new ByteArrayInputStream(bytes));
        hessian.setSerializerFactory(FACTORY);
        return hessian.readObject();
    }

    static double nanoseconds(Step step, long batch, long nanos) throws Exception {
        long start = PROCESS.getProcessCpuTime();
        long n = 0;
        long taken;
        do {
            for (int i = 0; i < batch; i++) {
                sink = step.run();
            }
            n += batch;
            taken = PROCESS.getProcessCpuTime() - start;
        } while (taken < nanos);
        return (double) taken / n;
    }

    static double best(Step step, long batch) throws Exception {
        nanoseconds(step, batch, 3_000_000_000L);
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 10; round++) {
            best = Math.min(best, nanoseconds(step, batch, 300_000_000L));
        }
        return best;
    }

    static void measure(String name, Object value, long batch) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] bytes = plainEncode(value, out);
        if (!Arrays.equals(bytes, SERIALIZER.encode(value, null).array())) {
            throw new IllegalStateException("both ways must write the same bytes");
        }
        double encode = best(() -> SERIALIZER.encode(value, null), batch);
        double decode = best(() -> SERIALIZER.decode(new ByteArrayWrapperByteBuf(bytes), Object.class, null), batch);
        System.out.printf("sofarpc %s %.0f %.0f%n", name, encode, decode);
        encode = best(() -> plainEncode(value, out), batch);
        decode = best(() -> plainDecode(bytes), batch);
        System.out.printf("plain %s %.0f %.0f%n", name, encode, decode);
    }

    public static void main(String[] args) throws Exception {
        measure("User", User.make(7), 1000);
        List<User> users = new ArrayList<>();
        for (long id = 1; id <= 1000; id++) {
            users.add(User.make(id));
        }
        measure("list", users, 2);
        Map<String, Long> counts = new HashMap<>();
        for (long i = 0; i < 100; i++) {
            counts.put("key-" + i, i * 1000);
        }
        measure("map", counts, 500);
    }
}
