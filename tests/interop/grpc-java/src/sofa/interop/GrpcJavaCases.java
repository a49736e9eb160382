package sofa.interop;

import io.grpc.testing.integration.TestServiceClient;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;

/**
 * grpc-java's interoperability client in one process for many cases: GrpcJavaCases HOST PORT CASE... Its main() runs one case and exits, so that its
 * steps are called here one by one.
 */
public final class GrpcJavaCases {
    public static void main(String[] args) {
        Suite suite = new Suite(() -> {});
        for (String name : Arrays.copyOfRange(args, 2, args.length)) {
            suite.check(name, () -> run("--server_host=" + args[0], "--server_port=" + args[1], "--use_tls=false", "--test_case=" + name));
        }
        System.exit(suite.run(null) ? 0 : 1);
    }

    private static void run(String... arguments) throws Throwable {
        TestServiceClient client = new TestServiceClient();
        step(client, "parseArgs", new Class<?>[] {String[].class}, (Object) arguments);
        step(client, "setUp", new Class<?>[0]);
        try {
            step(client, "run", new Class<?>[0]);
        } finally {
            step(client, "tearDown", new Class<?>[0]);
        }
    }

    private static void step(TestServiceClient client, String name, Class<?>[] types, Object... values) throws Throwable {
        Method method = TestServiceClient.class.getDeclaredMethod(name, types);
        method.setAccessible(true);
        try {
            method.invoke(client, values);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private GrpcJavaCases() {}
}
