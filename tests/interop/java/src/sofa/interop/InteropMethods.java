package sofa.interop;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The methods of the contract that are the same whatever protocol brings the call: all but the baggage. */
abstract class InteropMethods implements InteropService {
    private final String prefix;
    private final Map<String, String> notes = new ConcurrentHashMap<>();

    InteropMethods(String prefix) {
        this.prefix = prefix;
    }

    @Override
    public String echo(String s) {
        return prefix.isEmpty() ? s : prefix + s;
    }

    @Override
    public String hello(String name) {
        return "hello " + name;
    }

    @Override
    public String hello(String name, int times) {
        return String.join(",", Collections.nCopies(times, "hello " + name));
    }

    @Override
    public int add(int a, int b) {
        return a + b;
    }

    @Override
    public long addLong(Long a, long b) {
        return a == null ? b : a + b;
    }

    @Override
    public double half(double d) {
        return d / 2;
    }

    @Override
    public void ping() {}

    @Override
    public User getUser(long id) {
        return User.of(id, null);
    }

    @Override
    public User putUser(User u) {
        u.id += 1;
        return u;
    }

    @Override
    public List<User> listUsers(int n) {
        User manager = User.of(0, null);
        List<User> users = new ArrayList<>();
        for (int id = 1; id <= n; id++) {
            users.add(User.of(id, manager));
        }
        return users;
    }

    @Override
    public Map<Object, Object> echoMap(Map<Object, Object> m) {
        return m;
    }

    @Override
    public byte[] echoBytes(byte[] b) {
        return b;
    }

    @Override
    public String[] echoArray(String[] a) {
        return a;
    }

    @Override
    public int sum(int[] v) {
        int total = 0;
        for (int i : v) {
            total += i;
        }
        return total;
    }

    @Override
    public Level nextLevel(Level l) {
        return Level.values()[(l.ordinal() + 1) % Level.values().length];
    }

    @Override
    public Object echoObject(Object o) {
        return o;
    }

    @Override
    public LocalDateTime plusDays(LocalDateTime t, int days) {
        return t.plusDays(days);
    }

    @Override
    public Node echoNode(Node n) {
        return n;
    }

    @Override
    public String big(int chars) {
        return letters(chars);
    }

    /** chars letters, letter i = 'a' + i % 26. */
    static String letters(int chars) {
        char[] text = new char[chars];
        for (int i = 0; i < chars; i++) {
            text[i] = (char) ('a' + i % 26);
        }
        return new String(text);
    }

    @Override
    public String sleep(long ms) {
        pause(ms);
        return "slept " + ms;
    }

    static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String fail(String kind) throws InteropException {
        switch (kind) {
            case "runtime":
                throw new RuntimeException("boom runtime");
            case "illegal":
                throw new IllegalArgumentException("boom illegal");
            case "cause":
                throw new IllegalStateException("boom outer", new RuntimeException("boom inner"));
            case "checked":
                throw new InteropException("boom checked", 42);
            default:
                throw new UnsupportedOperationException(kind);
        }
    }

    @Override
    public void note(String k, String v) {
        notes.put(k, v);
    }

    @Override
    public String recall(String k) {
        return notes.get(k);
    }
}
