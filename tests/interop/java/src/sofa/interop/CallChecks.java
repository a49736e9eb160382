package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.alipay.hessian.generic.model.GenericObject;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** Errors, ways to call, protobuf, large bodies and many threads. */
final class CallChecks {
    private static final String STRING = "java.lang.String";

    static void add(Suite suite, Peers peers) {
        exceptions(suite, peers.plain, "");
        exceptions(suite, peers.blue, "@blue");
        missing(suite, peers);
        timeouts(suite, peers);
        notesAndBaggage(suite, peers.plain, "");
        notesAndBaggage(suite, peers.blue, "@blue");
        generic(suite, peers);
        futures(suite, peers);
        callbacks(suite, peers);
        protobuf(suite, peers);
        bodies(suite, peers);
        threads(suite, peers);
    }

    private static void exceptions(Suite suite, InteropService service, String suffix) {
        suite.check("fail.runtime" + suffix, () -> equal("boom runtime", thrown(RuntimeException.class, () -> service.fail("runtime")).getMessage()));
        suite.check("fail.illegal" + suffix,
            () -> equal("boom illegal", thrown(IllegalArgumentException.class, () -> service.fail("illegal")).getMessage()));
        suite.check("fail.cause" + suffix, () -> {
            IllegalStateException e = thrown(IllegalStateException.class, () -> service.fail("cause"));
            equal("boom outer", e.getMessage());
            that(e.getCause() == null || "boom inner".equals(e.getCause().getMessage()), "the cause came as " + e.getCause());
        });
        suite.check("fail.checked" + suffix, () -> {
            InteropException e = thrown(InteropException.class, () -> service.fail("checked"));
            equal("boom checked", e.getMessage());
            equal(42, e.code);
            that(e.getSuppressed().length == 0, "suppressed exceptions appeared");
        });
        suite.check("fail.other" + suffix, () -> thrown(UnsupportedOperationException.class, () -> service.fail("other")));
    }

    private static void missing(Suite suite, Peers peers) {
        suite.check("missing.unique_id", () -> names(() -> peers.nobody.echo("x"), "sofa.interop.InteropService:1.0:nobody"));
        suite.check("missing.service", () -> names(() -> call(peers.genericMissing, "echo"), "sofa.interop.MissingService:1.0"));
        suite.check("missing.method", () -> names(() -> call(peers.generic, "missing"), "missing"));
        suite.check("missing.overload", () -> names(
            () -> peers.generic.$invoke("hello", new String[] {"long"}, new Object[] {1L}), "hello"));
        suite.check("missing.pb_unique_id", () -> names(
            () -> peers.pbNobody.echo(EchoRequest.newBuilder().setText("x").build()), "sofa.interop.InteropPbService:1.0:nobody"));
        suite.check("missing.then_alive", () -> equal("hello x", peers.plain.hello("x")));
    }

    private static Object call(com.alipay.sofa.rpc.api.GenericService service, String method) {
        return service.$invoke(method, new String[] {STRING}, new Object[] {"x"});
    }

    private static void names(Suite.Body body, String missing) {
        SofaRpcException e = thrown(SofaRpcException.class, body);
        that(e.getMessage() != null && e.getMessage().contains(missing), "the text does not name " + missing + ": " + e.getMessage());
    }

    private static void timeouts(Suite suite, Peers peers) {
        suite.check("timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(200);
            long start = System.nanoTime();
            thrown(SofaTimeOutException.class, () -> peers.plain.sleep(1500));
            long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
            that(ms >= 150 && ms < 1200, "a call of 200 ms timed out after " + ms + " ms");
        });
        suite.check("timeout.late_answer_is_dropped", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            thrown(SofaTimeOutException.class, () -> peers.plain.sleep(300));
            RpcInvokeContext.removeContext();
            equal("slept 400", peers.plain.sleep(400));
            equal("hello x", peers.plain.hello("x"));
        });
    }

    private static void notesAndBaggage(Suite suite, InteropService service, String suffix) {
        suite.check("note.oneway" + suffix, () -> {
            String key = "key-" + System.nanoTime();
            equal(null, service.recall(key));
            service.note(key, "value");
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
            while (!"value".equals(service.recall(key))) {
                that(System.nanoTime() < deadline, "the oneway note did not arrive within 5 s");
                Thread.sleep(5);
            }
        });
        suite.check("baggage" + suffix, () -> {
            RpcInvokeContext.getContext().putRequestBaggage("color", "blue");
            equal("blue", service.baggage("color"));
            equal("got-blue", RpcInvokeContext.getContext().getResponseBaggage("answer"));
        });
        suite.check("baggage.unicode_and_several" + suffix, () -> {
            RpcInvokeContext.getContext().putRequestBaggage("a", "中文");
            RpcInvokeContext.getContext().putRequestBaggage("b", "");
            equal("中文", service.baggage("a"));
            equal("got-中文", RpcInvokeContext.getContext().getResponseBaggage("answer"));
        });
        suite.check("baggage.absent" + suffix, () -> {
            equal(null, service.baggage("color"));
            equal("got-null", RpcInvokeContext.getContext().getResponseBaggage("answer"));
        });
    }

    private static void generic(Suite suite, Peers peers) {
        suite.check("generic.invoke", () -> equal("hello gen", peers.generic.$invoke("hello", new String[] {STRING}, new Object[] {"gen"})));
        suite.check("generic.invoke_overload", () -> equal("hello g,hello g",
            peers.generic.$invoke("hello", new String[] {STRING, "int"}, new Object[] {"g", 2})));
        suite.check("generic.invoke_no_arguments", () -> equal(null, peers.generic.$invoke("ping", new String[0], new Object[0])));
        suite.check("generic.invoke_typed_user", () -> {
            Object back = peers.generic.$invoke("getUser", new String[] {"long"}, new Object[] {7L});
            that(back instanceof User user && User.of(7, null).sameAs(user), "came back as " + back);
        });
        suite.check("generic.object", () -> {
            GenericObject sent = new GenericObject("sofa.interop.User");
            sent.putField("id", 9L);
            sent.putField("name", "gen");
            Object back = peers.generic.$genericInvoke("putUser", new String[] {"sofa.interop.User"}, new Object[] {sent});
            that(back instanceof GenericObject, "expected a GenericObject, got " + back);
            equal("sofa.interop.User", ((GenericObject) back).getType());
            equal(10L, ((GenericObject) back).getField("id"));
            equal("gen", ((GenericObject) back).getField("name"));
        });
        suite.check("generic.object_nested", () -> {
            GenericObject next = new GenericObject("sofa.interop.Node");
            next.putField("name", "second");
            GenericObject sent = new GenericObject("sofa.interop.Node");
            sent.putField("name", "first");
            sent.putField("next", next);
            GenericObject back = (GenericObject) peers.generic.$genericInvoke("echoNode", new String[] {"sofa.interop.Node"}, new Object[] {sent});
            equal("first", back.getField("name"));
            equal("second", ((GenericObject) back.getField("next")).getField("name"));
        });
        suite.check("generic.mix", () -> {
            GenericObject sent = new GenericObject("sofa.interop.User");
            sent.putField("id", 19L);
            User back = peers.generic.$genericInvoke("putUser", new String[] {"sofa.interop.User"}, new Object[] {sent}, User.class);
            equal(20L, back.id);
        });
        suite.check("generic.exception", () -> {
            RuntimeException e = thrown(RuntimeException.class, () -> peers.generic.$invoke("fail", new String[] {STRING}, new Object[] {"runtime"}));
            equal("boom runtime", e.getMessage());
        });
    }

    private static void futures(Suite suite, Peers peers) {
        suite.check("future", () -> {
            equal(null, peers.future.hello("f"));
            equal("hello f", RpcInvokeContext.getContext().getFuture().get(5, TimeUnit.SECONDS));
        });
        suite.check("future.many_out_of_order", () -> {
            List<java.util.concurrent.Future<?>> pending = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                peers.future.sleep(400 - 20L * i);
                pending.add(RpcInvokeContext.getContext().getFuture());
            }
            for (int i = 0; i < 20; i++) {
                equal("slept " + (400 - 20 * i), pending.get(i).get(5, TimeUnit.SECONDS));
            }
        });
        suite.check("future.exception", () -> {
            peers.future.fail("illegal");
            ExecutionException e = thrown(ExecutionException.class, () -> RpcInvokeContext.getContext().getFuture().get(5, TimeUnit.SECONDS));
            equal(IllegalArgumentException.class, e.getCause().getClass());
            equal("boom illegal", e.getCause().getMessage());
        });
    }

    private static void callbacks(Suite suite, Peers peers) {
        suite.check("callback", () -> equal("hello c", answer(() -> peers.callback.hello("c")).get(5, TimeUnit.SECONDS)));
        suite.check("callback.exception", () -> {
            ExecutionException e = thrown(ExecutionException.class, () -> answer(() -> peers.callback.fail("checked")).get(5, TimeUnit.SECONDS));
            equal(InteropException.class, e.getCause().getClass());
        });
        suite.check("callback.timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            ExecutionException e = thrown(ExecutionException.class, () -> answer(() -> peers.callback.sleep(600)).get(5, TimeUnit.SECONDS));
            equal(SofaTimeOutException.class, e.getCause().getClass());
        });
    }

    private static java.util.concurrent.CompletableFuture<Object> answer(Suite.Body call) throws Throwable {
        Peers.Answer answer = new Peers.Answer();
        RpcInvokeContext.getContext().setResponseCallback(answer);
        call.run();
        return answer.result;
    }

    private static void protobuf(Suite suite, Peers peers) {
        suite.check("protobuf.echo", () -> {
            EchoRequest request = EchoRequest.newBuilder().setText("hi 中文").setTimes(3).setBlob(ByteString.copyFrom(new byte[] {0, 1, -1}))
                .putAttrs("k", "v").putAttrs("", "empty key").setSleepMs(20).build();
            EchoResponse expected = EchoResponse.newBuilder().setText("hi 中文").setBlob(request.getBlob())
                .putAllAttrs(request.getAttrsMap()).build();
            equal(expected, peers.pb.echo(request));
        });
        suite.check("protobuf.1_mib", () -> {
            ByteString blob = ByteString.copyFrom(ValueChecks.bytes(1 << 20));
            equal(blob, peers.pb.echo(EchoRequest.newBuilder().setBlob(blob).build()).getBlob());
        });
        suite.check("protobuf.exception", () -> {
            SofaRpcException e = thrown(SofaRpcException.class, () -> peers.pb.echo(EchoRequest.newBuilder().setFail("pb").build()));
            that(e.getMessage().contains("boom pb"), "the text was " + e.getMessage());
        });
        suite.check("protobuf.timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            thrown(SofaTimeOutException.class, () -> peers.pb.echo(EchoRequest.newBuilder().setText("x").setSleepMs(600).build()));
        });
    }

    private static void bodies(Suite suite, Peers peers) {
        for (int mib : new int[] {1, 16}) {
            int size = mib << 20;
            suite.check("body.bytes_" + mib + "_mib", () -> {
                byte[] sent = ValueChecks.bytes(size);
                equal(sent, peers.plain.echoBytes(sent));
            });
            suite.check("body.big_" + mib + "_mib", () -> equal(InteropMethods.letters(size), peers.plain.big(size)));
            suite.check("body.echo_" + mib + "_mib", () -> {
                String sent = InteropMethods.letters(size);
                equal(sent, peers.plain.echo(sent));
            });
        }
        suite.check("body.then_alive", () -> equal("hello x", peers.plain.hello("x")));
    }

    private static void threads(Suite suite, Peers peers) {
        suite.check("threads.64_on_one_connection", () -> inThreads(64, thread -> {
            for (int i = 0; i < 100; i++) {
                String text = thread + ":" + i;
                equal(text, peers.plain.echo(text));
                equal(thread + i, peers.plain.add(thread, i));
                if (i % 20 == 0) {
                    that(User.of(i, null).sameAs(peers.plain.getUser(i)), "getUser(" + i + ") in thread " + thread);
                    equal(text, peers.pb.echo(EchoRequest.newBuilder().setText(text).build()).getText());
                    thrown(InteropException.class, () -> peers.plain.fail("checked"));
                }
            }
        }));
        suite.check("threads.sleeping_calls_do_not_block", () -> {
            long start = System.nanoTime();
            inThreads(64, thread -> equal("slept 500", peers.plain.sleep(500)));
            long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
            that(ms < 3000, "64 sleeps of 500 ms at once took " + ms + " ms");
        });
        suite.check("threads.large_and_small_mixed", () -> inThreads(8, thread -> {
            byte[] sent = ValueChecks.bytes(300_000 + thread);
            for (int i = 0; i < 10; i++) {
                equal(thread % 2 == 0 ? sent : null, thread % 2 == 0 ? peers.plain.echoBytes(sent) : null);
                equal("hello " + thread, peers.plain.hello(String.valueOf(thread)));
            }
        }));
    }

    private interface ThreadBody {
        void run(int thread) throws Throwable;
    }

    private static void inThreads(int count, ThreadBody body) throws Throwable {
        AtomicReference<Throwable> first = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            int thread = i;
            new Thread(() -> {
                try {
                    body.run(thread);
                } catch (Throwable e) {
                    first.compareAndSet(null, e);
                } finally {
                    done.countDown();
                }
            }).start();
        }
        that(done.await(60, TimeUnit.SECONDS), "threads were not done within 60 s");
        if (first.get() != null) {
            throw first.get();
        }
    }

    private CallChecks() {}
}
