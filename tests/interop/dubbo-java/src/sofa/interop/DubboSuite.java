package sofa.interop;

import java.util.Objects;

/** Named checks, run in order; one line each and a closing count. */
final class DubboSuite {
    interface Body {
        void run() throws Throwable;
    }

    private final String only;
    private int passed;
    private int failed;

    /** `only`: runs the check of that name and those below it alone; null: all. */
    DubboSuite(String only) {
        this.only = only;
    }

    void check(String name, Body body) {
        if (only != null && !name.equals(only) && !name.startsWith(only + ".")) {
            return;
        }
        try {
            body.run();
            passed++;
            System.out.println("ok " + name);
        } catch (Throwable e) {
            failed++;
            String cause = e.getCause() == null ? "" : ", by " + shorten(e.getCause().toString());
            System.out.println("FAIL " + name + ": " + shorten(e.toString()) + cause);
        }
        System.out.flush();
    }

    private static String shorten(String text) {
        String line = text.replace('\n', ' ');
        return line.length() <= 600 ? line : line.substring(0, 600) + "...";
    }

    /** True when none failed and at least one ran. */
    boolean close() {
        System.out.println(passed + " passed, " + failed + " failed");
        System.out.flush();
        return failed == 0 && passed > 0;
    }

    static void equal(Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError("expected " + expected + ", got " + actual);
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
}
