package sofa.bench;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** The peer: Dubbo 3.3 with its defaults, dubbo:// and hessian2, without a registry. DubboServer --port P */
public final class DubboServer {
    public static void main(String[] args) throws Exception {
        int port = new Options(args).number("--port", 20880);
        ApplicationConfig application = new ApplicationConfig("bench-server");
        application.setQosEnable(false);
        ProtocolConfig protocol = new ProtocolConfig("dubbo", port);
        protocol.setHost("127.0.0.1");
        protocol.setSerialization("hessian2");
        ServiceConfig<EchoService> service = new ServiceConfig<>();
        service.setInterface(EchoService.class);
        service.setVersion("1.0");
        service.setRef(text -> text);
        DubboBootstrap.getInstance().application(application).registry(new RegistryConfig("N/A")).protocol(protocol).service(service).start();
        System.out.println("ready pid=" + ProcessHandle.current().pid() + " dubbo=" + port);
        System.out.flush();
        Thread.currentThread().join();
    }

    private DubboServer() {}
}
