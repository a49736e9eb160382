package sofa.interop;

import com.alipay.sofa.rpc.context.RpcInvokeContext;

/**
 * Calls every method of the contract on a server: InteropJavaClient HOST:PORT [--only NAME] [--load SECONDS [--retries N]].
 * Prints "ok NAME" or "FAIL NAME: why" and closes with "N passed, M failed"; the exit code is 0 only when nothing failed.
 */
public final class InteropJavaClient {
    public static void main(String[] args) throws Exception {
        Arguments.setSofaProperties();
        Arguments arguments = new Arguments(args, "--only", "--load", "--retries");
        if (arguments.words.size() != 1) {
            System.err.println("Give the server as HOST:PORT.");
            System.exit(2);
        }
        String address = arguments.words.get(0);
        int seconds = arguments.number("--load", 0);
        // SOFARPC leaves threads that do not end by themselves.
        System.exit((seconds > 0 ? new Load(address, seconds, arguments.number("--retries", 0)).run() : checks(address).run(arguments.text("--only", null))) ? 0 : 1);
    }

    private static Suite checks(String address) {
        Peers peers = new Peers(address);
        Suite suite = new Suite(RpcInvokeContext::removeContext);
        ValueChecks.add(suite, peers.plain, "", "");
        ValueChecks.add(suite, peers.blue, "@blue", "blue:");
        CallChecks.add(suite, peers);
        ExtraChecks.add(suite, peers.extra);
        JsonChecks.add(suite, peers.json, peers.plainJson, peers.jsonNobody);
        ConsumerChecks.add(suite, peers, address);
        return suite;
    }

    private InteropJavaClient() {}
}
