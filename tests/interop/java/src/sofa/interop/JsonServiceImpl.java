package sofa.interop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

final class JsonServiceImpl implements JsonService {
    private final InteropServiceImpl same = new InteropServiceImpl("");

    @Override
    public String echo(String s) {
        return s;
    }

    @Override
    public String hello(String name, int times) {
        return same.hello(name, times);
    }

    @Override
    public int add(int a, int b) {
        return a + b;
    }

    @Override
    public long addLong(Long a, long b) {
        return same.addLong(a, b);
    }

    @Override
    public double half(double d) {
        return d / 2;
    }

    @Override
    public boolean not(boolean b) {
        return !b;
    }

    @Override
    public String nothing() {
        return null;
    }

    @Override
    public User putUser(User u) {
        if (u != null) {
            u.id += 1;
        }
        return u;
    }

    @Override
    public List<User> listUsers(int n) {
        return same.listUsers(n);
    }

    @Override
    public List<String> reverse(List<String> items) {
        if (items == null) {
            return null;
        }
        List<String> back = new ArrayList<>(items);
        Collections.reverse(back);
        return back;
    }

    @Override
    public Map<String, Integer> counts(Map<String, Integer> m) {
        if (m != null) {
            m.replaceAll((key, count) -> count == null ? null : count + 1);
        }
        return m;
    }

    @Override
    public Map<String, User> usersByName(List<User> users, String suffix) {
        Map<String, User> byName = new LinkedHashMap<>();
        users.forEach(user -> byName.put(user.name + suffix, user));
        return byName;
    }

    @Override
    public byte[] echoBytes(byte[] b) {
        return b;
    }

    @Override
    public int sum(int[] v) {
        return same.sum(v);
    }

    @Override
    public String[] echoArray(String[] a) {
        return a;
    }

    @Override
    public Level nextLevel(Level l) {
        return l == null ? null : same.nextLevel(l);
    }

    @Override
    public String sleep(long ms) {
        return same.sleep(ms);
    }

    @Override
    public String fail(String kind) throws InteropException {
        return same.fail(kind);
    }
}
