package sofa.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Calls for some seconds from 16 threads, whatever happens to the server, and says each second how it goes: "second N ok=.. errors=..".
 * A wrong answer, a call that took longer than its timeout and a grace for a busy machine, or no good answer in the last second is a failure.
 */
final class Load {
    private static final int THREADS = 16;
    private static final int TIMEOUT_MS = 2000;
    private static final int GRACE_MS = 3000;

    private final InteropService service;
    private final int seconds;
    private final LongAdder ok = new LongAdder();
    private final LongAdder wrong = new LongAdder();
    private final AtomicLong slowestMs = new AtomicLong();
    private final Map<String, LongAdder> errors = new ConcurrentHashMap<>();
    private final AtomicLongArray okInSecond;
    private long start;

    Load(String address, int seconds, int retries) {
        this.seconds = seconds;
        okInSecond = new AtomicLongArray(seconds + 4);
        service = Peers.consumer(InteropService.class, InteropService.class.getName(), address, null).setTimeout(TIMEOUT_MS).setRetries(retries).refer();
    }

    boolean run() throws InterruptedException {
        callUntilWarm();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            int id = i;
            Thread thread = new Thread(() -> callUntilEnd(id));
            thread.start();
            threads.add(thread);
        }
        for (int second = 1; second <= seconds; second++) {
            long left = start + second * 1_000_000_000L - System.nanoTime();
            Thread.sleep(Math.max(0, left / 1_000_000));
            System.out.println("second " + second + " ok=" + okInSecond.get(second - 1) + " errors=" + total(errors));
            System.out.flush();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        return report();
    }

    /** The first calls of a JVM load classes and may take seconds on a busy machine: they are no part of the load. */
    private void callUntilWarm() {
        long deadline = System.nanoTime() + 60_000_000_000L;
        for (int good = 0; good < 200; ) {
            try {
                service.echo("warm");
                good++;
            } catch (RuntimeException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
        start = System.nanoTime();
    }

    private void callUntilEnd(int id) {
        for (int n = 0; elapsedSeconds() < seconds; n++) {
            String text = id + "-" + n;
            long begin = System.nanoTime();
            try {
                String answer = service.echo(text);
                (text.equals(answer) ? ok : wrong).increment();
                okInSecond.incrementAndGet(elapsedSeconds());
            } catch (Throwable e) {
                errors.computeIfAbsent(e.getClass().getSimpleName(), name -> new LongAdder()).increment();
                InteropMethods.pause(20);
            }
            slowestMs.accumulateAndGet((System.nanoTime() - begin) / 1_000_000, Math::max);
        }
    }

    private int elapsedSeconds() {
        return (int) ((System.nanoTime() - start) / 1_000_000_000L);
    }

    private static long total(Map<String, LongAdder> counts) {
        return counts.values().stream().mapToLong(LongAdder::sum).sum();
    }

    private boolean report() {
        System.out.println("load ok=" + ok.sum() + " wrong=" + wrong.sum() + " errors=" + new TreeMap<>(errors) + " slowest_ms=" + slowestMs.get()
            + " ok_in_last_second=" + okInSecond.get(seconds - 1));
        boolean good = wrong.sum() == 0 && okInSecond.get(seconds - 1) > 0 && slowestMs.get() < TIMEOUT_MS + GRACE_MS;
        System.out.println((good ? 1 : 0) + " passed, " + (good ? 0 : 1) + " failed");
        System.out.flush();
        return good;
    }
}
