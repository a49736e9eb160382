package sofa.interop;

import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;
import java.net.InetAddress;
import java.net.ServerSocket;

/** A SOFARPC server of the whole contract: InteropJavaServer [--bolt PORT] [--host ADDRESS]; port 0 picks a free one. */
public final class InteropJavaServer {
    public static void main(String[] args) throws Exception {
        Arguments.setSofaProperties();
        Arguments arguments = new Arguments(args, "--bolt", "--host");
        String host = arguments.text("--host", "127.0.0.1");
        int port = arguments.number("--bolt", 12200);
        if (port == 0) {
            port = freePort(host);
        }
        ServerConfig server = new ServerConfig().setProtocol("bolt").setHost(host).setPort(port).setDaemon(false);
        export(server, InteropService.class, new InteropServiceImpl(""), "");
        export(server, InteropService.class, new InteropServiceImpl("blue:"), "blue");
        export(server, ExtraService.class, new ExtraServiceImpl(), "");
        export(server, JsonService.class, new JsonServiceImpl(), "");
        export(server, InteropPbService.class, new InteropPbServiceImpl(), "");
        System.out.println("ready pid=" + ProcessHandle.current().pid() + " bolt=" + port);
        System.out.flush();
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
