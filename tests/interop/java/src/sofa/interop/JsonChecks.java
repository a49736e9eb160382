package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Serializer 12: a Java client whose arguments and results travel as JSON. */
final class JsonChecks {
    static void add(Suite suite, JsonService json, InteropService plain, JsonService nobody) {
        values(suite, json);
        containers(suite, json);
        users(suite, json);
        fields(suite, json);
        errors(suite, json, nobody);
        suite.check("json.interop_service", () -> {
            equal("中😀\"\\\n", plain.echo("中😀\"\\\n"));
            equal(7, plain.add(3, 4));
            equal("boom illegal", thrown(SofaRpcException.class, () -> plain.fail("illegal")).getMessage());
        });
    }

    private static void values(Suite suite, JsonService json) {
        suite.check("json.echo", () -> {
            for (String text : new String[] {"", "a", "中文 текст", "a😀b", "a\0\b\f\n\r\t\u001f\u007f\u2028\"\\/b", "null", "[1]", "{}", "\"", " ", "12"}) {
                equal(text, json.echo(text));
            }
            equal(null, json.echo(null));
        });
        suite.check("json.echo.1_mib", () -> equal(InteropMethods.letters(1 << 20), json.echo(InteropMethods.letters(1 << 20))));
        suite.check("json.hello", () -> {
            equal("hello bob,hello bob", json.hello("bob", 2));
            equal("hello null", json.hello(null, 1));
            equal("hello a,b],[\"\\", json.hello("a,b],[\"\\", 1));
        });
        suite.check("json.numbers", () -> {
            for (int a : new int[] {0, -1, 1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
                equal(a + 1, json.add(a, 1));
            }
            for (long b : new long[] {0, -1, 1L << 53, Long.MIN_VALUE, Long.MAX_VALUE}) {
                equal(b, json.addLong(null, b));
                equal(b + 5, json.addLong(5L, b));
            }
            for (double d : new double[] {0, -0.5, 0.1, 1e300, 1e-300, 123456789.125, Double.MAX_VALUE}) {
                equal(d / 2, json.half(d));
            }
            equal(Double.NaN, json.half(Double.NaN));
            equal(Double.NEGATIVE_INFINITY, json.half(Double.NEGATIVE_INFINITY));
            equal(false, json.not(true));
            equal(true, json.not(false));
        });
        suite.check("json.no_arguments", () -> equal(null, json.nothing()));
        suite.check("json.level", () -> {
            equal(Level.SILVER, json.nextLevel(Level.BRONZE));
            equal(null, json.nextLevel(null));
        });
    }

    private static void containers(Suite suite, JsonService json) {
        suite.check("json.list", () -> {
            equal(Arrays.asList("c", null, "a"), json.reverse(Arrays.asList("a", null, "c")));
            equal(List.of(), json.reverse(List.of()));
            equal(List.of("one"), json.reverse(List.of("one")));
            equal(null, json.reverse(null));
        });
        suite.check("json.map", () -> {
            Map<String, Integer> sent = new LinkedHashMap<>();
            sent.put("a", 1);
            sent.put("", 2);
            sent.put("中\"", null);
            Map<String, Integer> expected = new LinkedHashMap<>(sent);
            expected.replaceAll((key, count) -> count == null ? null : count + 1);
            equal(expected, json.counts(sent));
            equal(Map.of(), json.counts(Map.of()));
            equal(null, json.counts(null));
        });
        suite.check("json.arrays", () -> {
            equal(6, json.sum(new int[] {1, 2, 3}));
            equal(0, json.sum(new int[0]));
            equal(new String[] {"a", null}, json.echoArray(new String[] {"a", null}));
            equal(null, json.echoArray(null));
            equal(ValueChecks.bytes(1000), json.echoBytes(ValueChecks.bytes(1000)));
            equal(new byte[0], json.echoBytes(new byte[0]));
            equal(null, json.echoBytes(null));
        });
    }

    private static void users(Suite suite, JsonService json) {
        for (long id : new long[] {41, 0, -102, 5_000_000_000L, Long.MAX_VALUE, Long.MIN_VALUE + 2}) {
            suite.check("json.user." + id, () -> {
                User expected = asJson(User.of(id, null));
                expected.id++;
                User back = json.putUser(User.of(id, User.of(40, null)));
                that(expected.sameAs(throughDouble(back)), "expected " + expected + ", got " + back);
                that(asJson(User.of(40, null)).sameAs(back.manager), "manager came back as " + back.manager);
            });
        }
        suite.check("json.user.null", () -> equal(null, json.putUser(null)));
        suite.check("json.user.all_null", () -> {
            User expected = new User();
            expected.id = 1;
            User back = json.putUser(new User());
            that(expected.sameAs(back), "expected " + expected + ", got " + back);
        });
        suite.check("json.users", () -> {
            List<User> users = json.listUsers(3);
            equal(3, users.size());
            for (int i = 0; i < 3; i++) {
                that(asJson(User.of(i + 1, null)).sameAs(users.get(i)), "user " + (i + 1) + " came as " + users.get(i));
                that(asJson(User.of(0, null)).sameAs(users.get(i).manager), "its manager came as " + users.get(i).manager);
            }
        });
        suite.check("json.users_by_name", () -> {
            Map<String, User> back = json.usersByName(new ArrayList<>(List.of(User.of(1, null), User.of(2, null))), "!");
            equal(List.of("user-1!", "user-2!"), back.keySet().stream().sorted().toList());
            that(asJson(User.of(2, null)).sameAs(back.get("user-2!")), "user 2 came as " + back.get("user-2!"));
        });
    }

    private static void fields(Suite suite, JsonService json) {
        suite.check("json.dates", () -> {
            for (long ms : new long[] {0, -1, 1_234_567_890_123L, -62_135_596_800_000L, Long.MAX_VALUE, Long.MIN_VALUE}) {
                User sent = new User();
                sent.birthday = new Date(ms);
                equal(sent.birthday, json.putUser(sent).birthday);
            }
        });
        suite.check("json.decimals", () -> {
            for (String decimal : new String[] {"0", "0.00", "-0.0010", "1E+3", "1.5E-20", "-12345678901234567890.123456789"}) {
                User sent = new User();
                sent.balance = new BigDecimal(decimal);
                equal(sent.balance.doubleValue(), json.putUser(sent).balance.doubleValue());
            }
        });
        suite.check("json.any_values", () -> {
            Map<String, Object> sent = new LinkedHashMap<>();
            sent.put("t", "中\"");
            sent.put("i", -7);
            sent.put("l", 5_000_000_000L);
            sent.put("b", new BigInteger("123456789012345678901234567890"));
            sent.put("d", 2.5);
            sent.put("y", true);
            sent.put("n", null);
            sent.put("a", List.of(1, List.of(), Map.of()));
            sent.put("m", Map.of("", Map.of("x", Arrays.asList("y", null))));
            User user = new User();
            user.attrs = sent;
            equal(sent, json.putUser(user).attrs);
        });
    }

    /** The user as JSON gives it: an Integer where a long fits, and a decimal that a Java server took through a double. */
    private static User asJson(User user) {
        user.attrs.computeIfPresent("n", (key, n) -> (long) n == (int) (long) n ? (Object) (int) (long) n : n);
        return throughDouble(user);
    }

    private static User throughDouble(User user) {
        user.balance = BigDecimal.valueOf(user.balance.doubleValue());
        return user;
    }

    private static void errors(Suite suite, JsonService json, JsonService nobody) {
        for (String[] kind : new String[][] {{"runtime", "boom runtime"}, {"illegal", "boom illegal"}, {"checked", "boom checked"}}) {
            suite.check("json.fail." + kind[0], () -> equal(kind[1], thrown(SofaRpcException.class, () -> json.fail(kind[0])).getMessage()));
        }
        suite.check("json.timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            thrown(SofaTimeOutException.class, () -> json.sleep(600));
        });
        suite.check("json.missing", () -> {
            SofaRpcException e = thrown(SofaRpcException.class, () -> nobody.echo("x"));
            that(e.getMessage().contains("sofa.interop.JsonService:1.0:nobody"), "the text was " + e.getMessage());
        });
    }

    private JsonChecks() {}
}
