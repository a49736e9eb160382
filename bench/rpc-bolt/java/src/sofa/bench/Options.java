package sofa.bench;

import java.util.HashMap;
import java.util.Map;

/** "--name value" pairs. */
final class Options {
    private final Map<String, String> values = new HashMap<>();

    Options(String[] args) {
        for (int i = 0; i + 1 < args.length; i += 2) {
            values.put(args[i], args[i + 1]);
        }
    }

    /** The peer at its best: our server does not trace, so SOFATracer, which costs 30 us a call and more, is off on both sides. */
    static void switchTracerOff() {
        System.setProperty("default.tracer", "");
    }

    String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    int number(String name, int otherwise) {
        return Integer.parseInt(values.getOrDefault(name, String.valueOf(otherwise)));
    }
}
