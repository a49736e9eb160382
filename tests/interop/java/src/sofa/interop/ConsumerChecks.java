package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.alipay.hessian.generic.model.GenericObject;
import com.alipay.remoting.InvokeContext;
import com.alipay.remoting.Url;
import com.alipay.remoting.rpc.RpcClient;
import com.alipay.remoting.rpc.exception.InvokeServerBusyException;
import com.alipay.sofa.rpc.api.GenericService;
import com.alipay.sofa.rpc.codec.bolt.SofaRpcSerializationRegister;
import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.RpcErrorType;
import com.alipay.sofa.rpc.core.exception.SofaRouteException;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import com.alipay.sofa.rpc.core.request.SofaRequest;
import com.alipay.sofa.rpc.core.response.SofaResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** How a consumer is set up: error types, classes that it lacks, several direct urls, several connections, idle connections, Bolt v2 with CRC. */
final class ConsumerChecks {
    static void add(Suite suite, Peers peers, String address) {
        errorTypes(suite, peers);
        lackingClass(suite, peers, address);
        urls(suite, address);
        connections(suite, peers, address);
        protocolTwo(suite, address);
    }

    private static void errorTypes(Suite suite, Peers peers) {
        suite.check("error_type.missing_service", () -> type(RpcErrorType.SERVER_UNDECLARED_ERROR, SofaRpcException.class, () -> peers.nobody.echo("x")));
        suite.check("error_type.missing_method", () -> type(RpcErrorType.SERVER_UNDECLARED_ERROR, SofaRpcException.class,
            () -> peers.generic.$invoke("missing", new String[] {"int"}, new Object[] {1})));
        suite.check("error_type.timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            type(RpcErrorType.CLIENT_TIMEOUT, SofaTimeOutException.class, () -> peers.plain.sleep(500));
        });
        suite.check("error_type.busy", () -> {
            List<Future<?>> pending = new ArrayList<>();
            for (int i = 0; i < 1_200; i++) {
                peers.future.sleep(3_000);
                pending.add(RpcInvokeContext.getContext().getFuture());
            }
            type(RpcErrorType.SERVER_BUSY, SofaRpcException.class, () -> peers.plain.sleep(1));
            int busy = 0;
            for (Future<?> call : pending) {
                try {
                    equal("slept 3000", call.get(20, TimeUnit.SECONDS));
                } catch (ExecutionException e) {
                    equal(InvokeServerBusyException.class, e.getCause().getClass());
                    busy++;
                }
            }
            that(busy > 0 && busy < 1_200, busy + " of 1200 at once were too many");
            equal("hello x", peers.plain.hello("x"));
        });
    }

    /** What SOFARPC makes of an exception whose class this side does not have: a map, which a void method drops and a generic call gives back. */
    private static void lackingClass(Suite suite, Peers peers, String address) {
        String name = "sofa.interop.OverdrawnException";
        suite.check("exceptions.class_that_the_client_lacks", () -> without(name, () -> {
            peers.extra.failWith(name);
            equal("boom java.io.IOException", thrown(java.io.IOException.class, () -> peers.extra.failWith("java.io.IOException")).getMessage());
        }));
        suite.check("exceptions.class_that_a_generic_client_lacks", () -> without(name, () -> {
            GenericService generic = Peers.consumer(GenericService.class, ExtraService.class.getName(), address, null).setGeneric(true).refer();
            GenericObject e = (GenericObject) generic.$genericInvoke("failWith", new String[] {"java.lang.String"}, new Object[] {name});
            equal(name, e.getType());
            equal("boom " + name, e.getField("detailMessage"));
            equal(-250L, ((GenericObject) e.getField("account")).getField("cents"));
        }));
    }

    /** Runs the body with a class loader that does not find this class. */
    private static void without(String className, Suite.Body body) throws Throwable {
        ClassLoader all = Thread.currentThread().getContextClassLoader();
        Thread.currentThread().setContextClassLoader(new ClassLoader(all) {
            @Override
            protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
                if (name.equals(className)) {
                    throw new ClassNotFoundException(name);
                }
                return super.loadClass(name, resolve);
            }
        });
        try {
            body.run();
        } finally {
            Thread.currentThread().setContextClassLoader(all);
        }
    }

    private static void type(int type, Class<? extends SofaRpcException> exception, Suite.Body body) {
        equal(type, thrown(exception, body).getErrorType());
    }

    private static void urls(Suite suite, String address) {
        suite.check("urls.nobody_listens", () -> {
            InteropService service = Peers.consumer(InteropService.class, InteropService.class.getName(), deadAddress(), null).refer();
            thrown(SofaRouteException.class, () -> service.echo("x"));
        });
        for (String cluster : new String[] {"failover", "failfast"}) {
            suite.check("urls.one_of_two_listens." + cluster, () -> {
                InteropService service = urls("bolt://" + deadAddress() + ",bolt://" + address).setCluster(cluster).setRetries(1).refer();
                for (int i = 0; i < 20; i++) {
                    equal("call " + i, service.echo("call " + i));
                }
            });
        }
        suite.check("urls.target_of_one_call", () -> {
            InteropService service = urls("bolt://" + deadAddress()).refer();
            RpcInvokeContext.getContext().setTargetURL(address);
            equal("to one", service.echo("to one"));
        });
    }

    private static ConsumerConfig<InteropService> urls(String urls) {
        return Peers.consumer(InteropService.class, InteropService.class.getName(), "", null).setDirectUrl(urls);
    }

    private static String deadAddress() throws Exception {
        return "127.0.0.1:" + InteropJavaServer.freePort("127.0.0.1");
    }

    private static void connections(Suite suite, Peers peers, String address) {
        suite.check("connections.four", () -> {
            // Connections are shared by address, so this consumer names the host in another way.
            String named = address.replace("127.0.0.1", "localhost");
            ExtraService service = Peers.consumer(ExtraService.class, ExtraService.class.getName(), named, null).setConnectionNum(4).refer();
            for (int i = 0; i < 200; i++) {
                equal("String", service.which("call"));
            }
        });
        suite.check("connections.idle", () -> {
            String before = peers.extra.caller();
            Thread.sleep(3_000);
            equal(before, peers.extra.caller());
        });
    }

    /** Bolt v2 by the library under SOFARPC, which itself speaks v1: with and without CRC. */
    private static void protocolTwo(Suite suite, String address) {
        for (int version : new int[] {1, 2}) {
            suite.check("protocol_2.version_" + version, () -> {
                new SofaRpcSerializationRegister().doRegisterCustomSerializer();
                RpcClient client = new RpcClient();
                client.startup();
                try {
                    Url url = new Url(address, address.split(":")[0], Integer.parseInt(address.split(":")[1]));
                    url.setProtocol((byte) 2);
                    url.setVersion((byte) version);
                    url.setConnectTimeout(3_000);
                    url.setConnNum(1);
                    for (int size : new int[] {0, 10, 40_000, 1 << 20, 16 << 20}) {
                        String text = InteropMethods.letters(size);
                        SofaResponse answer = (SofaResponse) client.invokeSync(url, echo(text), new InvokeContext(), 20_000);
                        equal(text, answer.getAppResponse());
                    }
                } finally {
                    client.shutdown();
                }
            });
        }
    }

    private static SofaRequest echo(String text) {
        SofaRequest request = new SofaRequest();
        request.setTargetServiceUniqueName(InteropService.class.getName() + ":1.0");
        request.setInterfaceName(InteropService.class.getName());
        request.setMethodName("echo");
        request.setMethodArgSigs(new String[] {"java.lang.String"});
        request.setMethodArgs(new Object[] {text});
        request.setSerializeType((byte) 1);
        return request;
    }

    private ConsumerChecks() {}
}
