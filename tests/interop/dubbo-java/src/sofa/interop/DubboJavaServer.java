package sofa.interop;

import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.config.nested.TripleConfig;
import org.apache.dubbo.rpc.RpcContext;

/**
 * Dubbo's own server of section 5 of the contract: DubboJavaServer [--dubbo PORT] [--triple PORT]; port 0 picks a free one. The service has version
 * 1.0; with the group "blue" it is there once more. Prints "ready pid=N dubbo=P triple=P" with the ports that were asked for.
 */
public final class DubboJavaServer {
    public static void main(String[] args) throws Exception {
        Arguments arguments = new Arguments(args, "--dubbo", "--triple");
        List<ProtocolConfig> protocols = new ArrayList<>();
        String ready = "ready pid=" + ProcessHandle.current().pid();
        for (String[] protocol : new String[][] {{"--dubbo", "dubbo"}, {"--triple", "tri"}}) {
            int port = arguments.number(protocol[0], -1);
            if (port >= 0) {
                port = port == 0 ? freePort() : port;
                protocols.add(protocol(protocol[1], port));
                ready += " " + protocol[0].substring(2) + "=" + port;
            }
        }
        DubboBootstrap.getInstance().application(application()).registry(new RegistryConfig("N/A")).protocols(protocols)
            .services(services(arguments.number("--triple", -1) >= 0)).start();
        System.out.println(ready);
        System.out.flush();
        Thread.currentThread().join();
    }

    private static ApplicationConfig application() {
        ApplicationConfig application = new ApplicationConfig("interop-server");
        application.setQosEnable(false);
        application.setSerializeCheckStatus("DISABLE");
        return application;
    }

    private static ProtocolConfig protocol(String name, int port) {
        ProtocolConfig protocol = new ProtocolConfig(name, port);
        protocol.setSerialization("hessian2");
        protocol.setPreferSerialization("hessian2");
        protocol.setPayload(64 << 20);
        TripleConfig triple = new TripleConfig();
        triple.setMaxBodySize(64 << 20);
        triple.setMaxResponseBodySize(64 << 20);
        protocol.setTriple(triple);
        return protocol;
    }

    /** Streams go over Triple alone. */
    private static List<ServiceConfig> services(boolean streams) {
        List<ServiceConfig> services = new ArrayList<>();
        services.add(service(DubboInteropService.class, "", new Impl("")));
        services.add(service(DubboInteropService.class, "blue", new Impl("blue:")));
        if (streams) {
            services.add(service(DubboStreamService.class, "", DubboStreams.serve(new StreamMethods())));
        }
        return services;
    }

    private static <T> ServiceConfig<T> service(Class<T> type, String group, T implementation) {
        ServiceConfig<T> service = new ServiceConfig<>();
        service.setInterface(type);
        service.setVersion("1.0");
        service.setGroup(group.isEmpty() ? null : group);
        service.setRef(implementation);
        return service;
    }

    private static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static final class Impl extends InteropMethods implements DubboInteropService {
        Impl(String prefix) {
            super(prefix);
        }

        @Override
        public String baggage(String k) {
            return attachment(k);
        }

        @Override
        public String attachment(String key) {
            RpcContext.getServerContext().setAttachment("answer", "got");
            return RpcContext.getServerAttachment().getAttachment(key);
        }
    }

    private DubboJavaServer() {}
}
