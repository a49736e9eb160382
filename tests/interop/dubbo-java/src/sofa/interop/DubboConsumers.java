package sofa.interop;

import java.util.List;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.service.GenericService;

/** References to one server, by its URL alone: dubbo://HOST:PORT or tri://HOST:PORT. */
final class DubboConsumers {
    private final String url;

    DubboConsumers(String url) {
        this.url = url;
        ApplicationConfig application = new ApplicationConfig("interop-client");
        DubboVersion.configure(application);
        DubboBootstrap.getInstance().application(application);
    }

    private <T> ReferenceConfig<T> reference(String version) {
        return reference(DubboInteropService.class.getName(), version);
    }

    <T> ReferenceConfig<T> reference(String name, String version) {
        ReferenceConfig<T> reference = new ReferenceConfig<>();
        reference.setInterface(name);
        reference.setVersion(version);
        reference.setUrl(url);
        reference.setTimeout(10_000);
        reference.setRetries(0);
        reference.setCheck(false);
        return reference;
    }

    DubboInteropService service(String version) {
        ReferenceConfig<DubboInteropService> reference = reference(version);
        return reference.get();
    }

    /** note() is sent without waiting for an answer. */
    DubboInteropService oneway() {
        ReferenceConfig<DubboInteropService> reference = reference("1.0");
        MethodConfig note = new MethodConfig();
        note.setName("note");
        note.setReturn(false);
        reference.setMethods(List.of(note));
        return reference.get();
    }

    DubboInteropService withTimeout(int milliseconds) {
        ReferenceConfig<DubboInteropService> reference = reference("1.0");
        reference.setTimeout(milliseconds);
        return reference.get();
    }

    DubboInteropService withSerialization(String name) {
        ReferenceConfig<DubboInteropService> reference = reference("1.0");
        reference.setUrl(url + "/" + DubboInteropService.class.getName() + "?serialization=" + name + "&prefer.serialization=" + name);
        return reference.get();
    }

    GenericService generic(String kind) {
        return generic(DubboInteropService.class.getName(), kind);
    }

    GenericService generic(String name, String kind) {
        ReferenceConfig<GenericService> reference = reference(name, "1.0");
        reference.setGeneric(kind);
        return reference.get();
    }
}
