package sofa.lab;

import com.alipay.sofa.jraft.RaftGroupService;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.rpc.RaftRpcServerFactory;
import com.alipay.sofa.jraft.rpc.RpcServer;
import com.alipay.sofa.jraft.util.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * One JRaft node with the lab's state machine, and no port but its own:
 * --group G --id IP:PORT[:IDX[:PRIO]] --peers P1,P2,P3|- --data DIR [--election-ms 1000] [--snapshot-secs 0] [--checksum] [--learner] [--listen PORT]
 *
 * --listen is the port to listen on when it is not that of --id, where a relay stands then. A peer of --peers may end in /learner; --learner says it of this node. Prints "READY IP:PORT" once it serves; SIGTERM ends it.
 */
public final class LabNode {
    private static final Set<String> SWITCHES = Set.of("--checksum", "--learner");
    private static final Set<String> VALUES = Set.of("--group", "--id", "--peers", "--data", "--election-ms", "--snapshot-secs", "--listen");

    private final Map<String, String> values = new HashMap<>();
    private final Set<String> switches = new HashSet<>();

    private LabNode(String[] arguments) {
        for (int at = 0; at < arguments.length; at++) {
            if (SWITCHES.contains(arguments[at])) {
                switches.add(arguments[at]);
            } else if (VALUES.contains(arguments[at]) && at + 1 < arguments.length) {
                values.put(arguments[at], arguments[++at]);
            } else {
                throw new IllegalArgumentException("unknown or without a value: " + arguments[at]);
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        new LabNode(arguments).run();
    }

    private void run() throws Exception {
        RawBytes.register();
        PeerId self = new PeerId();
        if (!self.parse(needed("--id"))) {
            throw new IllegalArgumentException("--id is no peer: " + needed("--id"));
        }
        KvMachine machine = new KvMachine();
        KvProcessor processor = new KvProcessor(machine);
        RpcServer server = RaftRpcServerFactory.createRaftRpcServer(listening(self));
        server.registerProcessor(processor);
        RaftGroupService service = new RaftGroupService(needed("--group"), self, options(self, machine), server);
        processor.serve(service.start());
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        System.out.println("READY " + self.getIp() + ":" + self.getPort());
        service.join();
    }

    private Endpoint listening(PeerId self) {
        return new Endpoint(self.getIp(), values.containsKey("--listen") ? Integer.parseInt(values.get("--listen")) : self.getPort());
    }

    private NodeOptions options(PeerId self, KvMachine machine) throws IOException {
        Path data = Path.of(needed("--data"));
        Files.createDirectories(data);
        RaftOptions raft = new RaftOptions();
        raft.setEnableLogEntryChecksum(switches.contains("--checksum"));
        NodeOptions options = new NodeOptions();
        options.setRaftOptions(raft);
        options.setFsm(machine);
        options.setInitialConf(configuration(self));
        options.setElectionPriority(self.getPriority());
        options.setElectionTimeoutMs(Integer.parseInt(values.getOrDefault("--election-ms", "1000")));
        options.setSnapshotIntervalSecs(Integer.parseInt(values.getOrDefault("--snapshot-secs", "0")));
        options.setLogUri(data.resolve("log").toString());
        options.setRaftMetaUri(data.resolve("meta").toString());
        options.setSnapshotUri(data.resolve("snapshot").toString());
        return options;
    }

    private Configuration configuration(PeerId self) {
        Configuration configuration = new Configuration();
        if (!needed("--peers").equals("-") && !configuration.parse(needed("--peers"))) {
            throw new IllegalArgumentException("--peers is no configuration: " + needed("--peers"));
        }
        if (switches.contains("--learner")) {
            configuration.removePeer(self);
            configuration.addLearner(self);
        }
        return configuration;
    }

    private String needed(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return value;
    }
}
