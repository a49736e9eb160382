package sofa.bench;

import com.alipay.sofa.rpc.config.ProviderConfig;
import com.alipay.sofa.rpc.config.ServerConfig;

/** The peer: SOFARPC with its defaults but without its tracer, bolt and hessian2. EchoServer --port P */
public final class EchoServer {
    public static void main(String[] args) {
        Options.switchTracerOff();
        int port = new Options(args).number("--port", 12200);
        ServerConfig server = new ServerConfig().setProtocol("bolt").setHost("127.0.0.1").setPort(port).setDaemon(false);
        ProviderConfig<EchoService> provider = new ProviderConfig<>();
        provider.setInterfaceId(EchoService.class.getName()).setRef(text -> text).setRegister(false).setServer(server).export();
        System.out.println("ready pid=" + ProcessHandle.current().pid() + " bolt=" + port);
        System.out.flush();
    }

    private EchoServer() {}
}
