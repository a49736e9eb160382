package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.EchoService;

/**
 * Calls every method of section 5 of the contract on a server: DubboJavaClient URL [CHECK], URL being dubbo://HOST:PORT or tri://HOST:PORT.
 * Prints "ok NAME" or "FAIL NAME: why" and closes with "N passed, M failed"; the exit code is 0 only when nothing failed.
 */
public final class DubboJavaClient {
    public static void main(String[] args) {
        DubboConsumers consumers = new DubboConsumers(args[0]);
        Suite suite = new Suite(() -> {});
        DubboInteropService service = consumers.service("1.0");
        values(suite, service);
        objects(suite, service);
        exceptions(suite, service);
        calls(suite, service, consumers);
        if (args[0].startsWith("dubbo://")) {
            dubboCalls(suite, service, consumers);
            DubboGenericChecks.add(suite, consumers);
        } else {
            DubboVersion.addStreamChecks(suite, consumers);
        }
        System.exit(suite.run(args.length > 1 ? args[1] : null) ? 0 : 1);
    }

    private static void values(Suite suite, DubboInteropService s) {
        suite.check("echo", () -> equal("中文 😀", s.echo("中文 😀")));
        suite.check("echo.null", () -> equal(null, s.echo(null)));
        suite.check("echo.empty", () -> equal("", s.echo("")));
        suite.check("hello", () -> equal("hello bob", s.hello("bob")));
        suite.check("hello.overload", () -> equal("hello bob,hello bob,hello bob", s.hello("bob", 3)));
        suite.check("add", () -> equal(3, s.add(1, 2)));
        suite.check("add.wraps", () -> equal(Integer.MIN_VALUE, s.add(Integer.MAX_VALUE, 1)));
        suite.check("addLong", () -> equal(300_000_000_001L, s.addLong(300_000_000_000L, 1)));
        suite.check("addLong.null", () -> equal(7L, s.addLong(null, 7)));
        for (double d : new double[] {0, 1, -1, 0.5, 3.001, 1e300, 12.25, 100, 40000, Double.NaN}) {
            suite.check("half." + d, () -> equal(d / 2, s.half(d)));
        }
        suite.check("ping", s::ping);
        suite.check("bytes", () -> equal(List.of((byte) 1, (byte) -2), boxed(s.echoBytes(new byte[] {1, -2}))));
        suite.check("bytes.null", () -> equal(null, s.echoBytes(null)));
        suite.check("bytes.64k", () -> equal(65_536, s.echoBytes(new byte[65_536]).length));
        suite.check("array", () -> equal(new String[] {"a", null, "b"}, s.echoArray(new String[] {"a", null, "b"})));
        suite.check("sum", () -> equal(6, s.sum(new int[] {1, 2, 3})));
        suite.check("sum.many", () -> equal(4950, s.sum(java.util.stream.IntStream.range(0, 100).toArray())));
        suite.check("enum", () -> equal(Level.BRONZE, s.nextLevel(Level.GOLD)));
        suite.check("time", () -> equal(LocalDateTime.of(2024, 3, 1, 12, 0), s.plusDays(LocalDateTime.of(2024, 2, 28, 12, 0), 2)));
        for (int size : new int[] {0, 1, 31, 32, 1023, 1024, 65_535, 65_536, 1 << 20}) {
            suite.check("big." + size, () -> equal(InteropMethods.letters(size), s.big(size)));
        }
    }

    private static void objects(Suite suite, DubboInteropService s) {
        suite.check("getUser", () -> that(User.of(7, null).sameAs(s.getUser(7)), "another user: " + s.getUser(7)));
        suite.check("putUser", () -> that(User.of(9, null).sameAs(withId(s.putUser(User.of(9, null)), 9)), "another user"));
        suite.check("putUser.nulls", () -> equal(1L, s.putUser(new User()).id));
        suite.check("listUsers", () -> {
            List<User> users = s.listUsers(3);
            equal(3, users.size());
            for (int i = 0; i < 3; i++) {
                that(User.of(i + 1, null).sameAs(users.get(i)), "user " + (i + 1) + " is " + users.get(i));
                that(users.get(i).manager == users.get(0).manager, "the manager is one object");
            }
        });
        suite.check("echoMap", () -> {
            Map<Object, Object> map = new LinkedHashMap<>();
            map.put("z", 1);
            map.put("a", 2L);
            map.put(3, "three");
            map.put("list", new ArrayList<>(List.of("x", 1.5)));
            Map<Object, Object> back = s.echoMap(map);
            equal(map, back);
            equal(new ArrayList<>(map.keySet()), new ArrayList<>(back.keySet()));
            equal(LinkedHashMap.class, back.getClass());
        });
        suite.check("echoObject", () -> {
            for (Object o : new Object[] {1, 2L, "s", 1.5, true, Level.SILVER, new java.util.Date(946684800123L), new java.math.BigDecimal("12.50"),
                    java.time.LocalDate.of(2024, 2, 29)}) {
                Object back = s.echoObject(o);
                equal(o, back);
                equal(o.getClass(), back.getClass());
            }
        });
        suite.check("echoObject.user", () -> that(User.of(4, null).sameAs((User) s.echoObject(User.of(4, null))), "another user"));
        suite.check("echoNode.cycle", () -> {
            Node a = new Node("a");
            Node b = new Node("b");
            a.next = b;
            b.next = a;
            b.children = new ArrayList<>(List.of(a, b));
            Node back = s.echoNode(a);
            equal("a", back.name);
            that(back.next.next == back, "the cycle is closed");
            that(back.next.children.get(0) == back && back.next.children.get(1) == back.next, "children are the nodes themselves");
        });
    }

    private static void exceptions(Suite suite, DubboInteropService s) {
        suite.check("fail.runtime", () -> equal("boom runtime", thrown(RuntimeException.class, () -> s.fail("runtime")).getMessage()));
        suite.check("fail.illegal", () -> equal("boom illegal", thrown(IllegalArgumentException.class, () -> s.fail("illegal")).getMessage()));
        suite.check("fail.cause", () -> equal("boom outer", thrown(IllegalStateException.class, () -> s.fail("cause")).getMessage()));
        suite.check("fail.checked", () -> {
            InteropException e = thrown(InteropException.class, () -> s.fail("checked"));
            equal("boom checked", e.getMessage());
            equal(42, e.code);
        });
        suite.check("fail.other", () -> thrown(UnsupportedOperationException.class, () -> s.fail("x")));
    }

    private static void calls(Suite suite, DubboInteropService s, DubboConsumers consumers) {
        suite.check("attachment", () -> {
            DubboVersion.callContext().setAttachment("color", "blue");
            equal("blue", s.attachment("color"));
            if (DubboVersion.SHOWS_ANSWER_ATTACHMENTS) {
                equal("got", RpcContext.getServerContext().getAttachment("answer"));
            }
            DubboVersion.callContext().clearAttachments();
        });
        suite.check("attachment.none", () -> equal(null, s.attachment("color")));
        suite.check("oneway", () -> {
            String key = "k" + System.nanoTime();
            consumers.oneway().note(key, "v");
            for (int i = 0; i < 200 && s.recall(key) == null; i++) {
                Thread.sleep(10);
            }
            equal("v", s.recall(key));
        });
        suite.check("timeout", () -> {
            RpcException e = thrown(RpcException.class, () -> consumers.withTimeout(200).sleep(2000));
            // Over Triple Dubbo's own timer may be the first to tell, as an exception of another code.
            that(e.isTimeout() || e.getMessage().contains("DEADLINE_EXCEEDED"), "a timeout: " + e);
            equal("hello x", s.hello("x"));
        });
        suite.check("sleep", () -> equal("slept 50", s.sleep(50)));
        suite.check("missing.version", () -> {
            RpcException e = thrown(RpcException.class, () -> consumers.service("9.9").echo("x"));
            that(e.getMessage().contains("9.9"), "the version is named: " + e.getMessage());
        });
        suite.check("concurrent", () -> concurrent(s));
    }

    /** What section 5 of the contract promises of the protocol dubbo alone. */
    private static void dubboCalls(Suite suite, DubboInteropService s, DubboConsumers consumers) {
        suite.check("echo_service", () -> equal("ok", ((EchoService) s).$echo("ok")));
        suite.check("serialization.other", () -> {
            String name = DubboVersion.OTHER_SERIALIZATION;
            RpcException e = thrown(RpcException.class, () -> consumers.withSerialization(name).echo("x"));
            that(e.getMessage().contains("id " + DubboVersion.OTHER_SERIALIZATION_ID + " (" + name + ")"), "it is named: " + e.getMessage());
            equal("hello x", s.hello("x"));
        });
    }

    private static void concurrent(DubboInteropService s) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(16);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int caller = i;
            all.add(pool.submit(() -> {
                for (int n = 0; n < 200; n++) {
                    equal("hello " + caller + "-" + n, s.hello(caller + "-" + n));
                    equal(caller + n, s.add(caller, n));
                }
            }));
        }
        for (Future<?> one : all) {
            one.get();
        }
        pool.shutdown();
    }

    private static User withId(User u, long id) {
        equal(id + 1, u.id);
        u.id = id;
        return u;
    }

    private static List<Byte> boxed(byte[] bytes) {
        List<Byte> list = new ArrayList<>();
        for (byte b : bytes) {
            list.add(b);
        }
        return list;
    }

    private DubboJavaClient() {}
}
