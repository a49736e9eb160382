package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.same;
import static sofa.interop.Suite.sameClass;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Each kind of Java parameter, its signature and its value. */
final class ExtraChecks {
    static void add(Suite suite, ExtraService extra) {
        primitives(suite, extra);
        arrays(suite, extra);
        collections(suite, extra);
        classes(suite, extra);
        overloads(suite, extra);
        exceptions(suite, extra);
    }

    private static void primitives(Suite suite, ExtraService extra) {
        suite.check("extra.boolean", () -> {
            equal(false, extra.not(true));
            equal(true, extra.not(false));
        });
        suite.check("extra.float_byte_short", () -> {
            equal(1.1f / 2.0, extra.halfFloat(1.1f));
            equal(Double.NaN, extra.halfFloat(Float.NaN));
            equal(-127, extra.nextByte((byte) -128));
            equal(32768, extra.nextShort((short) 32767));
        });
        suite.check("extra.char", () -> {
            equal("char x", extra.charName('x'));
            equal("char 中", extra.charName('中'));
        });
        suite.check("extra.boxed", () -> {
            equal(true, extra.boxedBoolean(true));
            equal(null, extra.boxedBoolean(null));
            equal(Integer.MIN_VALUE, extra.boxedInteger(Integer.MIN_VALUE));
            equal(null, extra.boxedInteger(null));
            equal(1L << 40, extra.boxedLong(1L << 40));
            equal(5L, extra.boxedLong(5L));
            equal(null, extra.boxedLong(null));
            equal(0.1, extra.boxedDouble(0.1));
            equal(null, extra.boxedDouble(null));
            equal("-128 32767 0.5 x", extra.boxedNames((byte) -128, (short) 32767, 0.5f, 'x'));
            equal("null null null null", extra.boxedNames(null, null, null, null));
        });
    }

    private static void arrays(Suite suite, ExtraService extra) {
        suite.check("extra.booleans", () -> {
            equal(new boolean[] {true, false, true}, extra.booleans(new boolean[] {true, false, true}));
            equal(new boolean[0], extra.booleans(new boolean[0]));
        });
        suite.check("extra.shorts", () -> equal(new short[] {1, -1, 32767}, extra.shorts(new short[] {1, -1, 32767})));
        suite.check("extra.ints", () -> {
            equal(new int[] {1, Integer.MIN_VALUE}, extra.ints(new int[] {1, Integer.MIN_VALUE}));
            equal(null, extra.ints(null));
        });
        suite.check("extra.longs", () -> equal(new long[] {1, Long.MIN_VALUE}, extra.longs(new long[] {1, Long.MIN_VALUE})));
        suite.check("extra.floats", () -> equal(new float[] {0.5f, 1.1f}, extra.floats(new float[] {0.5f, 1.1f})));
        suite.check("extra.doubles", () -> equal(new double[] {0.5, 1e300}, extra.doubles(new double[] {0.5, 1e300})));
        suite.check("extra.chars", () -> {
            equal("a中z", extra.chars(new char[] {'a', '中', 'z'}));
            equal(null, extra.chars(null));
        });
        suite.check("extra.integers", () -> equal(new Integer[] {1, null, 3}, extra.integers(new Integer[] {1, null, 3})));
        suite.check("extra.levels", () -> equal(new Level[] {Level.GOLD, null}, extra.levels(new Level[] {Level.GOLD, null})));
        suite.check("extra.users", () -> {
            User one = User.of(1, null);
            User[] back = extra.users(new User[] {one, null, one});
            equal(3, back.length);
            that(one.sameAs(back[0]), "user 1 came as " + back[0]);
            equal(null, back[1]);
            same(back[0], back[2], "users[2]");
        });
        suite.check("extra.grid", () -> equal(new int[][] {{1, 2}, {}, null, {3}}, extra.grid(new int[][] {{1, 2}, {}, null, {3}})));
        suite.check("extra.objects", () -> equal(new Object[] {"a", 1, 2L, null, Level.GOLD}, extra.objects(new Object[] {"a", 1, 2L, null, Level.GOLD})));
    }

    private static void collections(Suite suite, ExtraService extra) {
        suite.check("extra.list", () -> {
            equal(Arrays.asList("a", null, "c"), extra.list(Arrays.asList("a", null, "c")));
            equal(List.of(), extra.list(new ArrayList<>()));
            equal(List.of("x", "y"), extra.list(List.of("x", "y")));
            equal(null, extra.list(null));
        });
        suite.check("extra.byte_list", () -> equal("[1, -2]", extra.byteList(new ArrayList<>(List.of((byte) 1, (byte) -2))).toString()));
        suite.check("extra.array_list", () -> equal(List.of("a"), extra.arrayList(new ArrayList<>(List.of("a")))));
        suite.check("extra.set", () -> {
            Set<String> back = extra.set(new HashSet<>(List.of("a", "b")));
            equal(Set.of("a", "b"), back);
            equal(2, extra.setSize(new LinkedHashSet<>(List.of("a", "b"))));
            equal(3, extra.collectionSize(List.of("a", "b", "a")));
            equal(2, extra.collectionSize(Set.of("a", "b")));
        });
        suite.check("extra.hash_map", () -> equal(Map.of("a", 1), extra.hashMap(new HashMap<>(Map.of("a", 1)))));
        suite.check("extra.nested_generics", () -> {
            Map<String, List<User>> sent = new LinkedHashMap<>();
            User shared = User.of(3, null);
            sent.put("x", new ArrayList<>(List.of(shared, User.of(4, shared))));
            sent.put("y", new ArrayList<>(List.of(shared)));
            sent.put("z", null);
            Map<String, List<User>> back = extra.usersByTeam(sent);
            equal(3, back.size());
            that(shared.sameAs(back.get("x").get(0)), "user 3 came as " + back.get("x").get(0));
            same(back.get("x").get(0), back.get("y").get(0), "the shared user");
            same(back.get("x").get(0), back.get("x").get(1).manager, "the shared user as manager");
            equal(null, back.get("z"));
        });
        suite.check("extra.map_keys", () -> {
            equal(Map.of(Level.GOLD, 3), extra.byLevel(new HashMap<>(Map.of(Level.GOLD, 3))));
            equal(Map.of(7, "seven"), extra.byNumber(new HashMap<>(Map.of(7, "seven"))));
        });
    }

    private static void classes(Suite suite, ExtraService extra) {
        suite.check("extra.jdk_values", () -> {
            equal(new Date(-5), extra.date(new Date(-5)));
            equal(null, extra.date(null));
            equal(new BigDecimal("-0.0010"), extra.decimal(new BigDecimal("-0.0010")));
            equal(new BigInteger("-123456789012345678901234567890"), extra.bigInteger(new BigInteger("-123456789012345678901234567890")));
            equal(BigInteger.ZERO, extra.bigInteger(BigInteger.ZERO));
            UUID id = UUID.fromString("0123cdef-89ab-4def-8123-0123456789ab");
            equal(id, extra.uuid(id));
            equal(LocalDate.of(2024, 2, 29), extra.localDate(LocalDate.of(2024, 2, 29)));
            equal(LocalTime.of(23, 59, 58, 7), extra.localTime(LocalTime.of(23, 59, 58, 7)));
            equal(Instant.ofEpochSecond(-1, 5), extra.instant(Instant.ofEpochSecond(-1, 5)));
        });
        suite.check("extra.nested_class", () -> {
            ExtraService.Inner sent = new ExtraService.Inner();
            sent.name = "n";
            sent.color = ExtraService.Inner.Color.RED;
            sent.ratio = 0.1f;
            sent.letter = '中';
            sent.small = -7;
            sent.medium = 3000;
            sent.numbers = new long[] {1, 1L << 40};
            sent.counts = new ArrayList<>(List.of(new HashMap<>(Map.of("a", 1))));
            ExtraService.Inner back = extra.inner(sent);
            equal(sent.name, back.name);
            equal(sent.color, back.color);
            equal(sent.ratio, back.ratio);
            equal(sent.letter, back.letter);
            equal(sent.small, back.small);
            equal(sent.medium, back.medium);
            equal(sent.numbers, back.numbers);
            equal(sent.counts, back.counts);
            equal(null, extra.inner(null));
        });
        suite.check("extra.nested_enum", () -> equal(ExtraService.Inner.Color.GREEN, extra.nextColor(ExtraService.Inner.Color.RED)));
        suite.check("extra.subclass", () -> {
            ExtraService.Employee sent = new ExtraService.Employee();
            sent.id = 5;
            sent.name = "e";
            sent.desk = "d4";
            User back = extra.poly(sent);
            sameClass(sent, back);
            equal("d4", ((ExtraService.Employee) back).desk);
            equal(5L, back.id);
        });
    }

    private static void overloads(Suite suite, ExtraService extra) {
        suite.check("extra.overloads", () -> {
            equal("int", extra.which(1));
            equal("long", extra.which(1L));
            equal("Integer", extra.which(Integer.valueOf(1)));
            equal("String", extra.which("s"));
            equal("Object", extra.which((Object) "s"));
            equal("Object", extra.which(1.5));
            equal("int[]", extra.which(new int[] {1}));
            equal("List", extra.which(new ArrayList<>(List.of("a"))));
            equal("String[]", extra.which(new String[] {"a"}));
        });
        suite.check("extra.eight_arguments", () -> equal("1 2 0.5 true e GOLD [g, h] 3",
            extra.eight(1, 2, 0.5, true, "e", Level.GOLD, new ArrayList<>(List.of("g", "h")), new byte[] {1, 2, 3})));
    }

    private static void exceptions(Suite suite, ExtraService extra) {
        for (Class<? extends Exception> type : List.of(NullPointerException.class, IllegalStateException.class, java.io.IOException.class,
            java.util.concurrent.TimeoutException.class, ArithmeticException.class, SecurityException.class, Exception.class)) {
            suite.check("extra.fail." + type.getSimpleName(),
                () -> equal("boom " + type.getName(), thrown(type, () -> extra.failWith(type.getName())).getMessage()));
        }
        suite.check("extra.caller", () -> equal(extra.caller(), extra.caller()));
    }

    private ExtraChecks() {}
}
