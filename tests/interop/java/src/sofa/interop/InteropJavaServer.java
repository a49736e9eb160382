package sofa.interop;

import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.stream.Stream;

/**
 * A SOFARPC server of the contract: InteropJavaServer [--bolt PORT] [--triple PORT] [--http PORT] [--h2c PORT] [--h2 PORT] [--host ADDRESS]; port 0
 * picks a free one. Without a port of another protocol it speaks Bolt, on 12200 unless said otherwise. h2 needs -Dssl=true, the paths of a certificate
 * and its key (-Dsofa.rpc.remoting.http.certificatePath, -Dsofa.rpc.remoting.http.privateKeyPath), and makes h2c speak TLS as well.
 */
public final class InteropJavaServer {
    public static void main(String[] args) throws Exception {
        Arguments.setSofaProperties();
        Arguments arguments = new Arguments(args, "--bolt", "--triple", "--http", "--h2c", "--h2", "--host");
        String host = arguments.text("--host", "127.0.0.1");
        int triple = arguments.number("--triple", -1);
        List<String> http = Stream.of("http", "h2c", "h2").filter(protocol -> arguments.number("--" + protocol, -1) >= 0).toList();
        int bolt = arguments.number("--bolt", triple < 0 && http.isEmpty() ? 12200 : -1);
        String ready = "ready pid=" + ProcessHandle.current().pid();
        if (bolt >= 0) {
            ServerConfig server = server("bolt", host, bolt);
            exportJava(server);
            export(server, ExtraService.class, new ExtraServiceImpl(), "");
            export(server, JsonService.class, new JsonServiceImpl(), "");
            export(server, InteropPbService.class, new InteropPbServiceImpl(), "");
            ready += " bolt=" + server.getPort();
        }
        if (triple >= 0) {
            ServerConfig server = server("tri", host, triple);
            exportJava(server);
            export(server, SofaStreamService.class, SofaStreams.serve(new StreamMethods()), "");
            export(server, InteropTriple.IInterop.class, new InteropTripleImpl(), "");
            ready += " triple=" + server.getPort();
        }
        for (String protocol : http) {
            // Over HTTP SOFARPC exports no interface with overloads, as InteropService is.
            ServerConfig server = server(protocol, host, arguments.number("--" + protocol, -1));
            export(server, JsonService.class, new JsonServiceImpl(), "");
            export(server, InteropPbService.class, new InteropPbServiceImpl(), "");
            ready += " " + protocol + "=" + server.getPort();
        }
        System.out.println(ready);
        System.out.flush();
    }

    private static ServerConfig server(String protocol, String host, int port) throws Exception {
        return new ServerConfig().setProtocol(protocol).setHost(host).setPort(port == 0 ? freePort(host) : port).setDaemon(false);
    }

    private static void exportJava(ServerConfig server) {
        export(server, InteropService.class, new InteropServiceImpl(""), "");
        export(server, InteropService.class, new InteropServiceImpl("blue:"), "blue");
    }

    static int freePort(String host) throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
            return socket.getLocalPort();
        }
    }

    private static <T> void export(ServerConfig server, Class<T> type, T service, String uniqueId) {
        ProviderConfig<T> provider = new ProviderConfig<>();
        provider.setInterfaceId(type.getName()).setRef(service).setRegister(false).setServer(server);
        if (!uniqueId.isEmpty()) {
            provider.setUniqueId(uniqueId);
        }
        provider.export();
    }

    private InteropJavaServer() {}
}
