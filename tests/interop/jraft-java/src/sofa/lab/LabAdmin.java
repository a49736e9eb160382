package sofa.lab;

import com.alipay.sofa.jraft.CliService;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.core.CliServiceImpl;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.option.CliOptions;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * JRaft's own administration client, a command a line on standard input, an answer a line on standard output:
 * "ok [RESULT]" or "error CODE TEXT". Peers and configurations are written as JRaft writes them; "-" is an empty list.
 */
public final class LabAdmin {
    private final CliService cli = new CliServiceImpl();

    public static void main(String[] arguments) throws Exception {
        new LabAdmin().run();
    }

    private void run() throws Exception {
        CliOptions options = new CliOptions();
        options.setTimeoutMs(20_000);
        options.setMaxRetry(3);
        if (!cli.init(options)) {
            throw new IllegalStateException("JRaft's administration client does not start");
        }
        System.out.println("READY");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            System.out.println("answer " + answer(line.trim().split(" +")));
        }
        cli.shutdown();
        System.exit(0);
    }

    private String answer(String[] words) {
        try {
            return command(words);
        } catch (RuntimeException thrown) {
            return "error thrown " + thrown.getMessage();
        }
    }

    private String command(String[] words) {
        String group = words[1];
        Configuration configuration = configuration(words[2]);
        return switch (words[0]) {
            case "addPeer" -> text(cli.addPeer(group, configuration, peer(words[3])));
            case "removePeer" -> text(cli.removePeer(group, configuration, peer(words[3])));
            case "changePeers" -> text(cli.changePeers(group, configuration, configuration(words[3])));
            case "resetPeer" -> text(cli.resetPeer(group, peer(words[2]), configuration(words[3])));
            case "addLearners" -> text(cli.addLearners(group, configuration, peers(words[3])));
            case "removeLearners" -> text(cli.removeLearners(group, configuration, peers(words[3])));
            case "resetLearners" -> text(cli.resetLearners(group, configuration, peers(words[3])));
            case "learner2Follower" -> text(cli.learner2Follower(group, configuration, peer(words[3])));
            case "transferLeader" -> text(cli.transferLeader(group, configuration, peer(words[3])));
            case "snapshot" -> text(cli.snapshot(group, peer(words[2])));
            case "getLeader" -> leader(group, configuration);
            case "getPeers" -> "ok " + cli.getPeers(group, configuration);
            case "getAlivePeers" -> "ok " + cli.getAlivePeers(group, configuration);
            case "getLearners" -> "ok " + cli.getLearners(group, configuration);
            case "getAliveLearners" -> "ok " + cli.getAliveLearners(group, configuration);
            case "rebalance" -> rebalance(group, configuration);
            default -> "error unknown " + words[0];
        };
    }

    private String leader(String group, Configuration configuration) {
        PeerId leader = new PeerId();
        Status status = cli.getLeader(group, configuration, leader);
        return status.isOk() ? "ok " + leader : text(status);
    }

    /** GROUP may be several, separated by commas. */
    private String rebalance(String groups, Configuration configuration) {
        Map<String, PeerId> leaders = new HashMap<>();
        Status status = cli.rebalance(Set.of(groups.split(",")), configuration, leaders);
        return status.isOk() ? "ok " + leaders : text(status);
    }

    private static String text(Status status) {
        return status.isOk() ? "ok" : "error " + status.getCode() + " " + status.getErrorMsg();
    }

    private static Configuration configuration(String text) {
        Configuration configuration = new Configuration();
        configuration.parse(text.equals("-") ? "" : text);
        return configuration;
    }

    private static PeerId peer(String text) {
        PeerId peer = new PeerId();
        if (!text.equals("-") && !peer.parse(text)) {
            throw new IllegalArgumentException("no peer: " + text);
        }
        return peer;
    }

    private static List<PeerId> peers(String text) {
        return text.equals("-") ? List.of() : Arrays.stream(text.split(",")).map(LabAdmin::peer).toList();
    }
}
