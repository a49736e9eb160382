package sofa.bench;

import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;

/** The peer: SOFARPC with its defaults over Triple, a Java interface (wrapper mode) and a service of a .proto. TripleServer --port P */
public final class TripleServer {
    public static void main(String[] args) {
        int port = new Options(args).number("--port", 50051);
        ServerConfig server = new ServerConfig().setProtocol("tri").setHost("127.0.0.1").setPort(port).setDaemon(false);
        export(server, EchoService.class, text -> text);
        export(server, ProtoEchoCalls.class, new ProtoEcho());
        System.out.println("ready pid=" + ProcessHandle.current().pid() + " tri=" + port);
        System.out.flush();
    }

    private static <T> void export(ServerConfig server, Class<T> type, T service) {
        new ProviderConfig<T>().setInterfaceId(type.getName()).setRef(service).setRegister(false).setServer(server).setBootstrap("tri").export();
    }

    private TripleServer() {}
}
