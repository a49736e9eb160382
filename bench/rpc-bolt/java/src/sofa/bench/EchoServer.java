package sofa.bench;

import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;

/** The peer: SOFARPC with its defaults, bolt and hessian2. EchoServer --port P [--tracer off] */
public final class EchoServer {
    public static void main(String[] args) {
        Options options = new Options(args);
        int port = options.number("--port", 12200);
        if (options.text("--tracer", "on").equals("off")) {
            System.setProperty("default.tracer", "");
        }
        ServerConfig server = new ServerConfig().setProtocol("bolt").setHost("127.0.0.1").setPort(port).setDaemon(false);
        ProviderConfig<EchoService> provider = new ProviderConfig<>();
        provider.setInterfaceId(EchoService.class.getName()).setRef(text -> text).setRegister(false).setServer(server).export();
        System.out.println("ready pid=" + ProcessHandle.current().pid() + " bolt=" + port);
        System.out.flush();
    }

    private EchoServer() {}
}
