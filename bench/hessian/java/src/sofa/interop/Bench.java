package sofa.interop;

import com.caucho.hessian.io.Hessian2Input;
import com.caucho.hessian.io.Hessian2Output;
import com.caucho.hessian.io.SerializerFactory;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Prints "case encode decode" in nanoseconds of CPU: sofa-hessian with one shared factory, warmed, the fastest of ten rounds. */
public class Bench {
    interface Step { Object run() throws Exception; }

    static final SerializerFactory FACTORY = new SerializerFactory();
    static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
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

    static double nanoseconds(Step step, long nanos) throws Exception {
        long start = THREADS.getCurrentThreadCpuTime();
        long n = 0;
        long taken;
        do {
            for (int i = 0; i < 8; i++) {
                sink = step.run();
            }
            n += 8;
            taken = THREADS.getCurrentThreadCpuTime() - start;
        } while (taken < nanos);
        return (double) taken / n;
    }

    static double best(Step step) throws Exception {
        nanoseconds(step, 3_000_000_000L);
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 10; round++) {
            best = Math.min(best, nanoseconds(step, 100_000_000L));
        }
        return best;
    }

    static void measure(String name, Object value) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] bytes = encode(value, out);
        double encode = best(() -> encode(value, out));
        double decode = best(() -> decode(bytes));
        System.out.printf("%s %.0f %.0f%n", name, encode, decode);
    }

    public static void main(String[] args) throws Exception {
        measure("User", User.make(7));
        List<User> users = new ArrayList<>();
        for (long id = 1; id <= 1000; id++) {
            users.add(User.make(id));
        }
        measure("list", users);
        Map<String, Long> counts = new HashMap<>();
        for (long i = 0; i < 100; i++) {
            counts.put("key-" + i, i * 1000);
        }
        measure("map", counts);
    }
}
