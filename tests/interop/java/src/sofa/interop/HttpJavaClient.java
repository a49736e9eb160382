package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;

import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import java.util.List;

/** SOFARPC's clients over HTTP on a server of the contract: HttpJavaClient HOST:PORT. Prints as InteropJavaClient does. */
public final class HttpJavaClient {
    public static void main(String[] args) throws Exception {
        Arguments.setSofaProperties();
        Suite suite = new Suite(RpcInvokeContext::removeContext);
        addRest(suite, consumer(RestService.class, "rest", args[0]).refer());
        // SOFARPC leaves threads that do not end by themselves.
        System.exit(suite.run(null) ? 0 : 1);
    }

    static <T> ConsumerConfig<T> consumer(Class<T> service, String protocol, String address) {
        ConsumerConfig<T> config = new ConsumerConfig<>();
        config.setInterfaceId(service.getName()).setDirectUrl(protocol + "://" + address).setProtocol(protocol).setRegister(false);
        config.setTimeout(Peers.TIMEOUT_MS).setRetries(0).setRepeatedReferLimit(-1);
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
