package sofa.interop;

import com.caucho.hessian.io.Hessian2Input;
import com.caucho.hessian.io.Hessian2Output;
import com.caucho.hessian.io.SerializerFactory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Prints "case encode decode" in nanoseconds of the process's CPU (its garbage collection is part of its price): sofa-hessian with one shared factory, warmed, the fastest of ten rounds. */
public class Bench {
    interface Step { Object run() throws Exception; }

    static final SerializerFactory FACTORY = new SerializerFactory();
    static final OperatingSystemMXBean PROCESS = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    static volatile Object sink;

    static byte[] encode(Object value, ByteArrayOutputStream out) throws Exception {
        out.reset();
        Hessian2Output hessian = new Hessian2Output(out);
        hessian.setSerializerFactory(FACTORY);
        hessian.writeObject(value);
        hessian.flush();
        return out.toByteArray();
    }

    static Object decode(byte[] bytes) throws Exception {
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
        byte[] bytes = encode(value, out);
        double encode = best(() -> encode(value, out), batch);
        double decode = best(() -> decode(bytes), batch);
        System.out.printf("%s %.0f %.0f%n", name, encode, decode);
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
