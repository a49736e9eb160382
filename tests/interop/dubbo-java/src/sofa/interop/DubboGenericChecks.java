package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.dubbo.common.beanutil.JavaBeanDescriptor;
import org.apache.dubbo.common.beanutil.JavaBeanSerializeUtil;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.service.GenericException;
import org.apache.dubbo.rpc.service.GenericService;

/** Calls of methods that the client has no class for, in every kind that is served. */
final class DubboGenericChecks {
    private static final String[] STRING = {"java.lang.String"};
    private static final String[] USER = {"sofa.interop.User"};

    static void add(Suite suite, DubboConsumers consumers) {
        GenericService maps = consumers.generic("true");
        suite.check("generic.hello", () -> equal("hello g", maps.$invoke("hello", STRING, new Object[] {"g"})));
        suite.check("generic.null", () -> equal(null, maps.$invoke("echo", STRING, new Object[] {null})));
        suite.check("generic.void", () -> equal(null, maps.$invoke("ping", new String[0], new Object[0])));
        suite.check("generic.enum", () -> equal("BRONZE", maps.$invoke("nextLevel", new String[] {"sofa.interop.Level"}, new Object[] {"GOLD"})));
        suite.check("generic.getUser", () -> user((Map<?, ?>) maps.$invoke("getUser", new String[] {"long"}, new Object[] {7L}), 7));
        suite.check("generic.putUser", () -> user((Map<?, ?>) maps.$invoke("putUser", USER, new Object[] {userMap(6)}), 7));
        suite.check("generic.listUsers", () -> {
            List<?> users = (List<?>) maps.$invoke("listUsers", new String[] {"int"}, new Object[] {2});
            equal(2, users.size());
            user((Map<?, ?>) users.get(1), 2);
        });
        suite.check("generic.exception", () -> {
            GenericException e = thrown(GenericException.class, () -> maps.$invoke("fail", STRING, new Object[] {"checked"}));
            equal("sofa.interop.InteropException", e.getExceptionClass());
            equal("boom checked", e.getExceptionMessage());
        });
        suite.check("generic.async", () -> equal("hello a", maps.$invokeAsync("hello", STRING, new Object[] {"a"}).get()));
        suite.check("generic.raw_return", () -> {
            Object result = consumers.generic("raw.return").$invoke("getUser", new String[] {"long"}, new Object[] {7L});
            that(User.of(7, null).sameAs((User) result), "another user: " + result);
        });
        suite.check("generic.gson", () -> {
            Object result = consumers.generic("gson").$invoke("putUser", USER, new Object[] {"{\"id\":6,\"name\":\"user-7\"}"});
            that(result.toString().contains("\"id\":7") && result.toString().contains("\"name\":\"user-7\""), "JSON of the user: " + result);
        });
        suite.check("generic.bean", () -> {
            User sent = User.of(6, null);
            sent.avatar = null; // a Byte inside a descriptor arrives as an Integer, which Java's own utility cannot put into a byte[]
            Object argument = JavaBeanSerializeUtil.serialize(sent);
            Object result = consumers.generic("bean").$invoke("putUser", USER, new Object[] {argument});
            User user = (User) JavaBeanSerializeUtil.deserialize((JavaBeanDescriptor) result);
            equal(7L, user.id);
            equal("user-6", user.name);
            equal(Level.BRONZE, user.level);
            equal(List.of("a", "中文"), user.tags);
        });
        suite.check("generic.protobuf_json", () -> {
            GenericService messages = consumers.generic("sofa.interop.pb.Interop", "protobuf-json");
            Object result = messages.$invoke("echo", new String[] {"sofa.interop.pb.EchoRequest"}, new Object[] {"{\"text\":\"hi\"}"});
            that(result.toString().replace(" ", "").contains("\"text\":\"hi\""), "JSON of the answer: " + result);
            RpcException e = thrown(RpcException.class,
                () -> messages.$invoke("echo", new String[] {"sofa.interop.pb.EchoRequest"}, new Object[] {"{\"missing\":1}"}));
            that(e.getMessage().contains("missing"), "the field is named: " + e.getMessage());
        });
        suite.check("generic.nativejava_is_refused", () -> {
            RpcException e = thrown(RpcException.class,
                () -> consumers.generic("nativejava").$invoke("echo", STRING, new Object[] {new byte[] {1}}));
            that(e.getMessage().contains("generic calls of kind 'nativejava' are not served"), "the kind is named: " + e.getMessage());
        });
    }

    private static Map<String, Object> userMap(long id) {
        Map<String, Object> map = new HashMap<>();
        map.put("class", "sofa.interop.User");
        map.put("id", id);
        map.put("name", "user-7");
        map.put("level", "SILVER");
        return map;
    }

    private static void user(Map<?, ?> map, long id) {
        equal("sofa.interop.User", map.get("class"));
        equal(id, map.get("id"));
        that(map.get("name").toString().startsWith("user-"), "a name: " + map);
        that(map.get("level") instanceof String, "an enum is its name: " + map);
    }

    private DubboGenericChecks() {}
}
