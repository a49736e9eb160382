package sofa.interop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** "--name value" options and plain words; an unknown option ends the program with a sentence. */
final class Arguments {
    final List<String> words = new ArrayList<>();
    private final Map<String, String> options = new HashMap<>();

    Arguments(String[] args, String... known) {
        for (int i = 0; i < args.length; i++) {
            if (!args[i].startsWith("--")) {
                words.add(args[i]);
            } else if (!Arrays.asList(known).contains(args[i]) || i + 1 == args.length) {
                System.err.println("Option " + args[i] + " is unknown or has no value; use " + String.join(" V, ", known) + " V.");
                System.exit(2);
            } else {
                options.put(args[i], args[++i]);
            }
        }
    }

    /** What both programs need before the first SOFARPC class loads. */
    static void setSofaProperties() {
        System.setProperty("invoke.baggage.enable", "true");
        // Above its high mark a Java peer refuses its own calls ("write overflow"); the default of 64 KiB does not fit the large bodies here.
        System.setProperty("bolt.netty.buffer.low.watermark", String.valueOf(32 << 20));
        System.setProperty("bolt.netty.buffer.high.watermark", String.valueOf(64 << 20));
    }

    String text(String name, String otherwise) {
        return options.getOrDefault(name, otherwise);
    }

    int number(String name, int otherwise) {
        return Integer.parseInt(options.getOrDefault(name, String.valueOf(otherwise)));
    }
}
