package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import com.alipay.sofa.rpc.core.exception.RpcErrorType;
import com.alipay.sofa.rpc.core.exception.SofaRpcException;
import com.alipay.sofa.rpc.core.exception.SofaTimeOutException;
import java.util.List;
import sofa.interop.pb.EchoRequest;

/**
 * SOFARPC's clients over HTTP on a server of the contract: HttpJavaClient HOST:PORT [CHECK], a port of every protocol, plain and over TLS; or
 * HOST:PORT,HOST:PORT, a port of HTTP/1.1 and one of HTTP/2, plain. Prints as InteropJavaClient does.
 */
public final class HttpJavaClient {
    public static void main(String[] args) throws Exception {
        Arguments.setSofaProperties();
        System.setProperty("ssl", "true");  // h2 needs it, and believes every certificate; h2c only says "https" in its requests
        Suite suite = new Suite(RpcInvokeContext::removeContext);
        String[] addresses = args[0].split(",");
        addRest(suite, consumer(RestService.class, "rest", addresses[0]).refer());
        addHttp2(suite, "h2c", addresses[addresses.length - 1]);
        if (addresses.length == 1) {
            addHttp2(suite, "h2", addresses[0]);
        }
        // SOFARPC leaves threads that do not end by themselves.
        System.exit(suite.run(args.length > 1 ? args[1] : null) ? 0 : 1);
    }

    static <T> ConsumerConfig<T> consumer(Class<T> service, String protocol, String address) {
        ConsumerConfig<T> config = new ConsumerConfig<>();
        config.setInterfaceId(service.getName()).setDirectUrl(protocol + "://" + address).setProtocol(protocol).setRegister(false);
        config.setTimeout(Peers.TIMEOUT_MS).setConnectTimeout(Peers.TIMEOUT_MS).setRetries(0).setRepeatedReferLimit(-1);
        return config;
    }

    private static void addRest(Suite suite, RestService rest) {
        suite.check("rest.hello", () -> equal("hello bob", rest.hello("bob", null)));
        suite.check("rest.hello.times", () -> equal("hello bob,hello bob,hello bob", rest.hello("bob", 3)));
        suite.check("rest.hello.atLeastOnce", () -> equal("hello bob", rest.hello("bob", 0)));
        suite.check("rest.hello.unicode", () -> equal("hello 中 文&?=%+", rest.hello("中 文&?=%+", 1)));
        suite.check("rest.user", () -> {
            RestUser user = rest.putUser(new RestUser(41, "Ada", List.of("a", "中文")));
            equal(42L, user.id);
            equal("Ada", user.name);
            equal(List.of("a", "中文"), user.tags);
        });
        suite.check("rest.user.nulls", () -> {
            RestUser user = rest.putUser(new RestUser(Long.MAX_VALUE, null, null));
            equal(Long.MIN_VALUE, user.id);
            equal(null, user.name);
        });
        suite.check("rest.user.moreMembers", () -> {
            User user = new User();
            user.id = 7;
            user.name = "whole";
            User answer = rest.putWholeUser(user);
            equal(8L, answer.id);
            equal("whole", answer.name);
        });
        suite.check("rest.header", () -> equal("header=v 1", rest.header("v 1")));
        suite.check("rest.fail", () -> that(text(() -> rest.fail("runtime")).contains("500"), "no status 500"));
        suite.check("rest.notFound", () -> that(text(rest::nothing).contains("404"), "no status 404"));
    }

    private static void addHttp2(Suite suite, String protocol, String address) {
        InteropService plain = consumer(InteropService.class, protocol, address).refer();
        InteropService blue = consumer(InteropService.class, protocol, address).setUniqueId("blue").refer();
        InteropService nobody = consumer(InteropService.class, protocol, address).setUniqueId("nobody").refer();
        ValueChecks.add(suite, plain, "@" + protocol, "");
        ValueChecks.add(suite, blue, "@" + protocol + "_blue", "blue:");
        JsonService json = consumer(JsonService.class, protocol, address).setSerialization("json").refer();
        InteropPbService pb = consumer(InteropPbService.class, protocol, address).setSerialization("protobuf").refer();
        suite.check(protocol + ".json", () -> {
            equal("hello bob,hello bob", json.hello("bob", 2));
            equal(List.of("b", "a"), json.reverse(List.of("a", "b")));
            equal(42L, json.putUser(User.of(41, null)).id);
            equal(6, json.sum(new int[] {1, 2, 3}));
            equal(Level.GOLD, json.nextLevel(Level.SILVER));
        });
        suite.check(protocol + ".protobuf", () -> equal("x", pb.echo(EchoRequest.newBuilder().setText("x").build()).getText()));
        suite.check(protocol + ".exception", () -> {
            SofaRpcException thrown = thrown(SofaRpcException.class, () -> plain.fail("illegal"));
            that(thrown.getMessage().contains("java.lang.IllegalArgumentException: boom illegal"), "told was " + thrown);
            equal(RpcErrorType.SERVER_BIZ, thrown.getErrorType());
        });
        suite.check(protocol + ".noSuchService", () -> that(text(() -> nobody.hello("x")).contains("InteropService:1.0:nobody"), "the name is lost"));
        suite.check(protocol + ".timeout", () -> {
            RpcInvokeContext.getContext().setTimeout(100);
            thrown(SofaTimeOutException.class, () -> plain.sleep(2000));
            equal("hello x", plain.hello("x"));
        });
        suite.check(protocol + ".baggage", () -> {
            RpcInvokeContext.getContext().putRequestBaggage("color", "blue");
            equal("blue", plain.baggage("color"));
        });
    }

    /** The texts of what the body throws, causes included. */
    private static String text(Suite.Body body) {
        StringBuilder all = new StringBuilder();
        try {
            body.run();
        } catch (Throwable e) {
            for (Throwable t = e; t != null && all.length() < 10_000; t = t.getCause()) {
                all.append(t).append(' ');
            }
        }
        return all.toString();
    }

    private HttpJavaClient() {}
}
