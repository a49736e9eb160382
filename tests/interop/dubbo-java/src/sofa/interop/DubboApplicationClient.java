package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.dubbo.common.URL;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.metadata.MetadataInfo;
import org.apache.dubbo.metadata.MetadataService;
import org.apache.dubbo.metadata.MetadataServiceV2Detector;
import org.apache.dubbo.registry.client.AbstractServiceDiscovery;
import org.apache.dubbo.registry.client.AbstractServiceDiscoveryFactory;
import org.apache.dubbo.registry.client.DefaultServiceInstance;
import org.apache.dubbo.registry.client.ServiceDiscovery;
import org.apache.dubbo.registry.client.ServiceDiscoveryFactory;
import org.apache.dubbo.registry.client.ServiceInstance;
import org.apache.dubbo.rpc.model.ApplicationModel;

/**
 * A consumer that finds its provider by application: DubboApplicationClient HOST:PORT. The registry names the one instance that the arguments name; what
 * it serves the consumer asks it itself, as Dubbo 3 does: by MetadataService, or by MetadataServiceV2 (DubboApplicationClient HOST:PORT v2; its Triple must be
 * on that port). Prints as DubboJavaClient does.
 */
public final class DubboApplicationClient {
    private static final String APPLICATION = "interop-server";
    private static String host;
    private static int port;
    private static String revision = "";
    private static boolean second;

    public static void main(String[] args) {
        int colon = args[0].lastIndexOf(':');
        host = args[0].substring(0, colon);
        port = Integer.parseInt(args[0].substring(colon + 1));
        second = args.length > 1 && args[1].equals("v2");
        ApplicationConfig application = new ApplicationConfig("interop-client");
        DubboVersion.configure(application);
        ApplicationModel.defaultModel().getExtensionLoader(ServiceDiscoveryFactory.class).addExtension("instance", OneInstanceFactory.class);
        RegistryConfig registry = new RegistryConfig("instance://127.0.0.1:1?registry-type=service&registry.file.cache.enabled=false");
        registry.setUseAsMetadataCenter(false);
        registry.setUseAsConfigCenter(false);
        DubboBootstrap.getInstance().application(application).registry(registry);
        Suite suite = new Suite(() -> {});
        metadata(suite, direct());
        if (second) {
            suite.check("metadata.second_is_preferred", () -> that(MetadataServiceV2Detector.support(), "without protobuf the first service is asked"));
        }
        suite.check("application.calls", () -> {
            DubboInteropService service = byApplication("1.0", null);
            equal("hello app", service.hello("app"));
            that(User.of(7, null).sameAs(service.getUser(7)), "another user");
        });
        suite.check("application.without_version", () -> equal("hello any", byApplication(null, null).hello("any")));
        System.exit(suite.run(null) ? 0 : 1);
    }

    private static void metadata(Suite suite, MetadataService service) {
        suite.check("metadata.name", () -> equal(APPLICATION, service.serviceName()));
        suite.check("metadata.version", () -> equal("1.0.0", service.version()));
        suite.check("metadata.infos", () -> {
            List<MetadataInfo> infos = service.getMetadataInfos();
            equal(1, infos.size());
            revision = infos.get(0).getRevision();
            equal(APPLICATION, infos.get(0).getApp());
        });
        suite.check("metadata.info", () -> {
            MetadataInfo info = service.getMetadataInfo(revision);
            MetadataInfo.ServiceInfo service1 = info.getServices().get(DubboInteropService.class.getName() + ":1.0:dubbo");
            that(service1 != null, "the service is there: " + info.getServices().keySet());
            equal(port, service1.getPort());
            equal("hessian2", service1.getParams().get("prefer.serialization"));
            equal(null, service.getMetadataInfo("another revision"));
        });
        suite.check("metadata.urls", () -> {
            Set<String> urls = service.getExportedURLs(DubboInteropService.class.getName(), null, "1.0", "dubbo");
            equal(1, urls.size());
            URL url = URL.valueOf(urls.iterator().next());
            equal(port, url.getPort());
            equal("1.0", url.getVersion());
            that(service.getExportedURLs().size() > 1, "all of them: " + service.getExportedURLs());
            that(service.getSubscribedURLs().isEmpty(), "nothing is subscribed to");
        });
    }

    private static MetadataService direct() {
        ReferenceConfig<MetadataService> reference = new ReferenceConfig<>();
        reference.setInterface(MetadataService.class);
        reference.setGroup(APPLICATION);
        reference.setVersion("1.0.0");
        reference.setUrl("dubbo://" + host + ":" + port);
        reference.setTimeout(10_000);
        return reference.get();
    }

    private static DubboInteropService byApplication(String version, String group) {
        ReferenceConfig<DubboInteropService> reference = new ReferenceConfig<>();
        reference.setInterface(DubboInteropService.class);
        reference.setVersion(version);
        reference.setGroup(group);
        reference.setProvidedBy(APPLICATION);
        reference.setProtocol("dubbo");
        reference.setTimeout(10_000);
        reference.setRetries(0);
        return reference.get();
    }

    /** Finds the one instance, whatever it is asked for. */
    public static final class OneInstanceFactory extends AbstractServiceDiscoveryFactory {
        @Override
        protected ServiceDiscovery createDiscovery(URL registry) {
            return new OneInstance(ApplicationModel.defaultModel(), registry);
        }
    }

    private static final class OneInstance extends AbstractServiceDiscovery {
        OneInstance(ApplicationModel model, URL registry) {
            super(model, registry);
        }

        @Override
        public Set<String> getServices() {
            return Set.of(APPLICATION);
        }

        @Override
        public List<ServiceInstance> getInstances(String name) {
            DefaultServiceInstance instance = new DefaultServiceInstance(name, host, port, applicationModel);
            Map<String, String> about = instance.getMetadata();
            about.put("dubbo.metadata.revision", revision);
            about.put("dubbo.metadata.storage-type", "local");
            about.put("dubbo.endpoints", "[{\"port\":" + port + ",\"protocol\":\"dubbo\"}]");
            if (second) {
                about.put("meta-v", "2.0.0");
            }
            about.put("dubbo.metadata-service.url-params",
                "{\"dubbo\":\"2.0.2\",\"version\":\"1.0.0\",\"protocol\":\"" + (second ? "tri" : "dubbo") + "\",\"port\":\"" + port + "\"}");
            return List.of(instance);
        }

        @Override
        protected void doRegister(ServiceInstance instance) {}

        @Override
        protected void doUnregister(ServiceInstance instance) {}

        @Override
        protected void doDestroy() {}
    }

    private DubboApplicationClient() {}
}
