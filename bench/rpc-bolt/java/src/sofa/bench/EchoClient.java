package sofa.bench;

import com.alipay.sofa.rpc.config.ConsumerConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A SOFARPC client on its one connection: EchoClient --target HOST:PORT --callers N --size B --warmup S --seconds S [--rate R].
 * Without a rate each caller sends its next call when it has its answer (closed loop); with one the calls of all callers together have fixed
 * times from the end of the (closed-loop) warm-up on, and latency counts from the time at which a call was due. Prints "measuring" when the
 * warm-up is over and one line of JSON at the end.
 */
public final class EchoClient {
    private final EchoService service;
    private final Options options;
    private final String text;
    private final int callers;
    private final long rate;
    private volatile long measureFrom;
    private volatile long end;

    private EchoClient(Options options) {
        this.options = options;
        text = "x".repeat(options.number("--size", 100));
        callers = options.number("--callers", 64);
        rate = options.number("--rate", 0);
        service = new ConsumerConfig<EchoService>().setInterfaceId(EchoService.class.getName()).setDirectUrl("bolt://" + options.text("--target", ""))
            .setProtocol("bolt").setRegister(false).setTimeout(10_000).refer();
    }

    public static void main(String[] args) throws Exception {
        new EchoClient(new Options(args)).run();
        System.exit(0);
    }

    private void run() throws InterruptedException {
        service.echo(text);
        measureFrom = System.nanoTime() + options.number("--warmup", 10) * 1_000_000_000L;
        end = measureFrom + options.number("--seconds", 10) * 1_000_000_000L;
        List<Caller> all = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            all.add(new Caller(i));
            all.get(i).start();
        }
        LockSupport.parkNanos(measureFrom - System.nanoTime());
        System.out.println("measuring");
        System.out.flush();
        for (Caller caller : all) {
            caller.join();
        }
        report(all);
    }

    private final class Caller extends Thread {
        private final int id;
        private int[] micros = new int[1 << 16];
        private int count;
        private int errors;

        Caller(int id) {
            this.id = id;
        }

        @Override
        public void run() {
            while (System.nanoTime() < measureFrom) {
                call(System.nanoTime());
            }
            for (long n = 0; ; n++) {
                long due = rate == 0 ? System.nanoTime() : measureFrom + (n * callers + id) * 1_000_000_000L / rate;
                if (due >= end) {
                    return;
                }
                for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                call(due);
            }
        }

        private void call(long due) {
            boolean good;
            try {
                good = text.equals(service.echo(text));
            } catch (RuntimeException e) {
                good = false;
            }
            long now = System.nanoTime();
            if (due < measureFrom || now >= end) {
                return;
            }
            errors += good ? 0 : 1;
            if (count == micros.length) {
                micros = Arrays.copyOf(micros, count * 2);
            }
            micros[count++] = (int) Math.min(Integer.MAX_VALUE, (now - due) / 1000);
        }
    }

    private void report(List<Caller> all) {
        int calls = all.stream().mapToInt(c -> c.count).sum();
        int[] micros = new int[calls];
        int at = 0;
        for (Caller caller : all) {
            System.arraycopy(caller.micros, 0, micros, at, caller.count);
            at += caller.count;
        }
        Arrays.sort(micros);
        double seconds = (end - measureFrom) / 1e9;
        System.out.printf("{\"calls\": %d, \"errors\": %d, \"rate\": %.0f, \"p50_us\": %d, \"p99_us\": %d, \"p999_us\": %d}%n", calls,
            all.stream().mapToInt(c -> c.errors).sum(), calls / seconds, at(micros, 0.5), at(micros, 0.99), at(micros, 0.999));
    }

    private static int at(int[] sorted, double share) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, share * sorted.length)];
    }
}
