package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.same;
import static sofa.interop.Suite.sameClass;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Every method of InteropService with values that meet each form of the serialization. */
final class ValueChecks {
    /** `suffix` names the provider in the check names; `prefix` is what its echo puts in front. */
    static void add(Suite suite, InteropService service, String suffix, String prefix) {
        strings(suite, service, suffix, prefix);
        numbers(suite, service, suffix);
        users(suite, service, suffix);
        containers(suite, service, suffix);
        objects(suite, service, suffix);
        nodes(suite, service, suffix);
    }

    private static void strings(Suite suite, InteropService service, String suffix, String prefix) {
        suite.check("echo.null" + suffix, () -> equal(prefix.isEmpty() ? null : prefix + "null", service.echo(null)));
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put("empty", "");
        texts.put("ascii", "hello");
        texts.put("chinese", "中文 текст");
        texts.put("emoji", "a😀b");
        texts.put("zero_char", "a\0b");
        texts.put("lone_surrogate", "a\ud83d");
        for (int length : new int[] {31, 32, 1023, 1024, 32767, 32768, 32769, 65535, 65536, 100_000}) {
            texts.put("length_" + length, InteropMethods.letters(length));
        }
        texts.put("pair_over_a_chunk_border", InteropMethods.letters(32767) + "😀" + InteropMethods.letters(10));
        texts.put("chunks_of_chinese", "中".repeat(70_000));
        texts.forEach((name, text) -> suite.check("echo." + name + suffix, () -> equal(prefix + text, service.echo(text))));
        suite.check("hello" + suffix, () -> equal("hello bob", service.hello("bob")));
        suite.check("hello.overload" + suffix, () -> equal("hello bob,hello bob,hello bob", service.hello("bob", 3)));
        suite.check("big.0" + suffix, () -> equal("", service.big(0)));
        suite.check("big.40000" + suffix, () -> equal(InteropMethods.letters(40_000), service.big(40_000)));
    }

    private static void numbers(Suite suite, InteropService service, String suffix) {
        suite.check("add" + suffix, () -> {
            int[] values = {0, 1, -1, -16, -17, 47, 48, -2048, -2049, 2047, 2048, -262144, -262145, 262143, 262144, Integer.MIN_VALUE,
                Integer.MAX_VALUE};
            for (int a : values) {
                for (int b : new int[] {0, a, 1}) {
                    equal(a + b, service.add(a, b));
                }
            }
        });
        suite.check("addLong" + suffix, () -> {
            long[] values = {0, -8, -9, 15, 16, -2048, -2049, 2047, 2048, -262144, -262145, 262143, 262144, Integer.MIN_VALUE, Integer.MAX_VALUE,
                (long) Integer.MIN_VALUE - 1, (long) Integer.MAX_VALUE + 1, Long.MIN_VALUE, Long.MAX_VALUE};
            for (long value : values) {
                equal(value, service.addLong(null, value));
                equal(value + value, service.addLong(value, value));
            }
        });
        suite.check("half" + suffix, () -> {
            double[] values = {0, 2, -256, 256, 254, 65534, -65536, 1e300, 0.1, 0.25, 1.001, 1234.5678, Double.MIN_VALUE, Double.MAX_VALUE,
                Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 3e-5};
            for (double value : values) {
                equal(value / 2, service.half(value));
            }
        });
        suite.check("ping" + suffix, service::ping);
        suite.check("sum" + suffix, () -> {
            equal(6, service.sum(new int[] {1, 2, 3}));
            equal(0, service.sum(new int[0]));
            equal(Integer.MIN_VALUE, service.sum(new int[] {Integer.MAX_VALUE, 1}));
            int[] many = new int[10_000];
            Arrays.fill(many, 300);
            equal(3_000_000, service.sum(many));
        });
        suite.check("plusDays" + suffix, () -> {
            for (String start : new String[] {"2024-02-28T12:00", "2023-12-31T23:59:59.123456789", "1900-02-28T00:00:01", "0001-01-01T00:00",
                "0000-02-29T00:00", "-0004-02-28T00:00", "+32767-12-31T00:00", "-32767-01-01T00:00", "+900000000-02-28T00:00"}) {
                for (int days : new int[] {0, 1, 2, -1, -400, 146_097, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                    LocalDateTime time = LocalDateTime.parse(start);
                    equal(time.plusDays(days), service.plusDays(time, days));
                }
            }
        });
        suite.check("plusDays.past_the_last_year" + suffix, () -> {
            thrown(DateTimeException.class, () -> service.plusDays(LocalDateTime.MAX, 1));
            thrown(DateTimeException.class, () -> service.plusDays(LocalDateTime.MIN, -1));
        });
        suite.check("nextLevel" + suffix, () -> {
            equal(Level.SILVER, service.nextLevel(Level.BRONZE));
            equal(Level.GOLD, service.nextLevel(Level.SILVER));
            equal(Level.BRONZE, service.nextLevel(Level.GOLD));
        });
        suite.check("sleep" + suffix, () -> equal("slept 30", service.sleep(30)));
    }

    private static void users(Suite suite, InteropService service, String suffix) {
        suite.check("getUser" + suffix, () -> {
            for (long id : new long[] {0, 1, 2, 7, 255, 300_000, -3, -99, -102, -300_000, Integer.MAX_VALUE + 2L, Long.MIN_VALUE + 2, Long.MAX_VALUE}) {
                User user = service.getUser(id);
                that(User.of(id, null).sameAs(user), "expected " + User.of(id, null) + ", got " + user);
                equal(null, user.manager);
            }
        });
        suite.check("getUser.no_level" + suffix, () -> {
            for (long id : new long[] {-1, -2, Long.MIN_VALUE}) {
                equal("Index " + id % 3 + " out of bounds for length 3",
                    thrown(ArrayIndexOutOfBoundsException.class, () -> service.getUser(id)).getMessage());
            }
        });
        suite.check("putUser.extreme_ids" + suffix, () -> {
            for (long id : new long[] {-102, Long.MIN_VALUE + 2, Long.MAX_VALUE}) {
                User expected = User.of(id, null);
                expected.id++;
                User back = service.putUser(User.of(id, null));
                that(expected.sameAs(back), "expected " + expected + ", got " + back);
            }
        });
        suite.check("putUser" + suffix, () -> {
            User back = service.putUser(User.of(41, User.of(40, null)));
            User expected = User.of(41, null);
            expected.id = 42;
            that(expected.sameAs(back), "expected " + expected + ", got " + back);
            that(User.of(40, null).sameAs(back.manager), "manager came back as " + back.manager);
        });
        suite.check("putUser.all_null" + suffix, () -> {
            User expected = new User();
            expected.id = 1;
            User back = service.putUser(new User());
            that(expected.sameAs(back), "expected " + expected + ", got " + back);
        });
        suite.check("putUser.own_manager" + suffix, () -> {
            User user = User.of(5, null);
            user.manager = user;
            User back = service.putUser(user);
            equal(6L, back.id);
            same(back, back.manager, "manager");
        });
        suite.check("listUsers" + suffix, () -> {
            List<User> users = service.listUsers(50);
            sameClass(new ArrayList<>(), users);
            equal(50, users.size());
            for (int i = 0; i < users.size(); i++) {
                that(User.of(i + 1, null).sameAs(users.get(i)), "user " + (i + 1) + " came as " + users.get(i));
                same(users.get(0).manager, users.get(i).manager, "manager of " + (i + 1));
            }
            that(User.of(0, null).sameAs(users.get(0).manager), "manager came as " + users.get(0).manager);
        });
        suite.check("listUsers.empty" + suffix, () -> equal(0, service.listUsers(0).size()));
    }

    private static void containers(Suite suite, InteropService service, String suffix) {
        suite.check("echoMap.linked" + suffix, () -> {
            Map<Object, Object> sent = new LinkedHashMap<>();
            sent.put("z", 1);
            sent.put("a", 2L);
            sent.put("m", null);
            sent.put("b", 2.5);
            sent.put("t", true);
            sent.put(7, "seven");
            Map<Object, Object> back = service.echoMap(sent);
            sameClass(sent, back);
            equal(sent, back);
            equal(new ArrayList<>(sent.keySet()), new ArrayList<>(back.keySet()));
        });
        suite.check("echoMap.hash" + suffix, () -> echoMap(service, new HashMap<>(Map.of("a", 1, "b", 2L, "c", List.of("x").get(0)))));
        suite.check("echoMap.tree" + suffix, () -> echoMap(service, new TreeMap<>(Map.of("a", 1, "b", 2L))));
        suite.check("echoMap.empty" + suffix, () -> echoMap(service, new HashMap<>()));
        suite.check("echoMap.null" + suffix, () -> equal(null, service.echoMap(null)));
        suite.check("echoMap.key_true" + suffix, () -> echoMap(service, new LinkedHashMap<>(Map.of(true, 1))));
        suite.check("echoMap.many" + suffix, () -> {
            Map<Object, Object> sent = new HashMap<>();
            for (int i = 0; i < 20_000; i++) {
                sent.put("key-" + i, i % 2 == 0 ? (Object) i : (Object) (long) i);
            }
            echoMap(service, sent);
        });
        suite.check("echoMap.nested_shared" + suffix, () -> {
            List<Object> shared = new ArrayList<>(List.of(1, "two", 3L));
            Map<Object, Object> sent = new LinkedHashMap<>();
            sent.put("a", shared);
            sent.put("b", shared);
            sent.put("u", User.of(3, null));
            Map<Object, Object> back = service.echoMap(sent);
            equal(shared, back.get("a"));
            same(back.get("a"), back.get("b"), "the shared list");
            that(User.of(3, null).sameAs((User) back.get("u")), "the user came as " + back.get("u"));
        });
        suite.check("echoMap.itself" + suffix, () -> {
            Map<Object, Object> sent = new HashMap<>();
            sent.put("me", sent);
            Map<Object, Object> back = service.echoMap(sent);
            equal(1, back.size());
            same(back, back.get("me"), "the map in itself");
        });
        suite.check("echoBytes" + suffix, () -> {
            equal(null, service.echoBytes(null));
            for (int length : new int[] {0, 1, 15, 16, 1023, 1024, 32767, 32768, 32769, 65536, 100_000}) {
                byte[] sent = bytes(length);
                equal(sent, service.echoBytes(sent));
            }
        });
        suite.check("echoArray" + suffix, () -> {
            for (String[] sent : new String[][] {{}, {"a"}, {"a", null}, {null, null, "中"}, "x ".repeat(300).split(" ")}) {
                String[] back = service.echoArray(sent);
                sameClass(sent, back);
                equal(sent, back);
            }
            equal(null, service.echoArray(null));
        });
    }

    private static void echoMap(InteropService service, Map<Object, Object> sent) {
        Map<Object, Object> back = service.echoMap(sent);
        sameClass(sent, back);
        equal(sent, back);
    }

    static byte[] bytes(int length) {
        byte[] made = new byte[length];
        for (int i = 0; i < length; i++) {
            made[i] = (byte) (i * 31 + (i >> 8));
        }
        return made;
    }

    private static void objects(Suite suite, InteropService service, String suffix) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("string", "text");
        values.put("integer", 42);
        values.put("long", 42L);
        values.put("double", 4.25);
        values.put("boolean", true);
        values.put("date", new Date(1234567890123L));
        values.put("decimal", new BigDecimal("12345678901234567890.123456789"));
        values.put("big_integer", new BigInteger("-123456789012345678901234567890"));
        values.put("bytes", bytes(40));
        values.put("ints", new int[] {1, 2, 300_000});
        values.put("longs", new long[] {1, 1L << 40});
        values.put("doubles", new double[] {0, 1.5, 1e100});
        values.put("booleans", new boolean[] {true, false});
        values.put("strings", new String[] {"a", null});
        values.put("objects", new Object[] {"a", 1, 2L, null, true});
        values.put("two_dimensions", new int[][] {{1, 2}, {}, {3}});
        values.put("array_list", new ArrayList<>(Arrays.asList("a", 1, null, 2L)));
        values.put("linked_list", new LinkedList<>(Arrays.asList("a", "b")));
        values.put("hash_set", new HashSet<>(Arrays.asList("a", 2, 3L)));
        values.put("hash_map", new HashMap<>(Map.of("k", 1)));
        values.put("linked_map", new LinkedHashMap<>(Map.of("k", 1L)));
        values.put("level", Level.GOLD);
        values.put("local_date_time", LocalDateTime.parse("2024-02-29T23:59:59.000000001"));
        values.put("local_date", LocalDateTime.parse("2024-02-29T00:00").toLocalDate());
        values.put("local_time", java.time.LocalTime.parse("12:34:56.789"));
        values.put("instant", java.time.Instant.parse("2024-02-29T12:00:00.5Z"));
        values.put("timestamp", new java.sql.Timestamp(1234567890123L));
        values.put("locale", java.util.Locale.CHINA);
        values.put("unknown_class", new Point(3, 4));
        values.forEach((name, value) -> suite.check("echoObject." + name + suffix, () -> {
            Object back = service.echoObject(value);
            sameClass(value, back);
            equal(value, back);
        }));
        suite.check("echoObject.null" + suffix, () -> equal(null, service.echoObject(null)));
        suite.check("echoObject.user" + suffix, () -> {
            Object back = service.echoObject(User.of(9, null));
            that(back instanceof User user && User.of(9, null).sameAs(user), "came back as " + back);
        });
    }

    /** A class that no server of the contract knows. */
    public static final class Point implements java.io.Serializable {
        private static final long serialVersionUID = 1L;
        public int x;
        public Integer y;

        public Point() {}

        Point(int x, int y) {
            this.x = x;
            this.y = y;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Point p && p.x == x && java.util.Objects.equals(p.y, y);
        }

        @Override
        public int hashCode() {
            return x;
        }
    }

    private static void nodes(Suite suite, InteropService service, String suffix) {
        suite.check("echoNode.null" + suffix, () -> equal(null, service.echoNode(null)));
        suite.check("echoNode.to_itself" + suffix, () -> {
            Node sent = new Node("a");
            sent.next = sent;
            Node back = service.echoNode(sent);
            equal("a", back.name);
            equal(null, back.children);
            same(back, back.next, "next");
        });
        suite.check("echoNode.ring" + suffix, () -> {
            Node first = new Node("0");
            Node last = first;
            for (int i = 1; i < 60; i++) {
                last.next = new Node(String.valueOf(i));
                last = last.next;
            }
            last.next = first;
            Node back = service.echoNode(first);
            Node at = back;
            for (int i = 0; i < 60; i++) {
                equal(String.valueOf(i), at.name);
                at = at.next;
            }
            same(back, at, "the ring");
        });
        suite.check("echoNode.tree_with_parents" + suffix, () -> {
            Node root = new Node("root");
            root.children = new ArrayList<>();
            Node shared = new Node("shared");
            for (int i = 0; i < 300; i++) {
                Node child = new Node("child-" + i);
                child.next = root;
                child.children = new ArrayList<>(List.of(shared));
                root.children.add(child);
            }
            Node back = service.echoNode(root);
            equal(300, back.children.size());
            for (int i = 0; i < 300; i++) {
                Node child = back.children.get(i);
                equal("child-" + i, child.name);
                same(back, child.next, "the parent");
                same(back.children.get(0).children.get(0), child.children.get(0), "the shared grandchild");
            }
        });
        suite.check("echoNode.children_holds_itself_twice" + suffix, () -> {
            Node sent = new Node("n");
            sent.children = new ArrayList<>(Arrays.asList(sent, null, sent));
            Node back = service.echoNode(sent);
            same(back, back.children.get(0), "children[0]");
            equal(null, back.children.get(1));
            same(back, back.children.get(2), "children[2]");
        });
    }

    private ValueChecks() {}
}
