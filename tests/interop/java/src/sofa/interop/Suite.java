package sofa.interop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Named checks, run in order; one line each and a closing count. */
final class Suite {
    interface Body {
        void run() throws Throwable;
    }

    private record Check(String name, Body body) {}

    private final Runnable before;
    private final List<Check> checks = new ArrayList<>();
    private int passed;
    private int failed;

    /** `before` runs ahead of each check: what one leaves in its thread must not reach the next. */
    Suite(Runnable before) {
        this.before = before;
    }

    void check(String name, Body body) {
        checks.add(new Check(name, body));
    }

    /** Runs the checks whose name is or begins with `only` (null: all); true when none failed and at least one ran. */
    boolean run(String only) {
        for (Check check : checks) {
            if (only == null || check.name.equals(only) || check.name.startsWith(only + ".")) {
                run(check);
            }
        }
        System.out.println(passed + " passed, " + failed + " failed");
        System.out.flush();
        return failed == 0 && passed > 0;
    }

    private void run(Check check) {
        before.run();
        try {
            check.body.run();
            passed++;
            System.out.println("ok " + check.name);
        } catch (Throwable e) {
            failed++;
            String cause = e.getCause() == null ? "" : ", by " + shorten(e.getCause().toString());
            System.out.println("FAIL " + check.name + ": " + shorten(e.toString()) + cause);
        }
        System.out.flush();
    }

    static String shorten(String text) {
        String line = text.replace('\n', ' ');
        return line.length() <= 600 ? line : line.substring(0, 600) + "...";
    }

    static void equal(Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError("expected " + show(expected) + ", got " + show(actual));
        }
    }

    static void sameClass(Object expected, Object actual) {
        equal(expected.getClass().getName(), actual == null ? "null" : actual.getClass().getName());
    }

    static void same(Object a, Object b, String what) {
        if (a != b) {
            throw new AssertionError(what + ": two objects where one was sent");
        }
    }

    static void that(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Runs the body and returns what it threw, which must be of this class exactly. */
    static <T extends Throwable> T thrown(Class<T> type, Body body) {
        try {
            body.run();
        } catch (Throwable e) {
            if (e.getClass() != type) {
                throw new AssertionError("expected " + type.getName() + ", got " + e, e);
            }
            return type.cast(e);
        }
        throw new AssertionError("expected " + type.getName() + ", nothing was thrown");
    }

    private static String show(Object o) {
        String text = o instanceof byte[] b ? b.length + " bytes " + Arrays.toString(Arrays.copyOf(b, Math.min(b.length, 20)))
            : o instanceof Object[] a ? Arrays.deepToString(a)
            : o instanceof String s ? "\"" + s + "\"(" + s.length() + ")"
            : String.valueOf(o);
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }
}
