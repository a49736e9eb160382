package sofa.interop;

import static sofa.interop.Suite.equal;
import static sofa.interop.Suite.that;
import static sofa.interop.Suite.thrown;

import com.acme.Hello;
import com.alipay.hessian.generic.model.GenericObject;
import com.alipay.sofa.rpc.api.GenericService;
import com.alipay.sofa.rpc.config.ConsumerConfig;
import com.alipay.sofa.rpc.context.RpcInvokeContext;

/**
 * ExampleCalls HELLO GATEWAY: calls the programs under examples/ as README.md and the demo say that Java does. HELLO and GATEWAY are HOST:PORT of
 * hello-server and of bank-gateway; the bank's classes are not here, so it is called generically. Prints what InteropJavaClient prints.
 */
public final class ExampleCalls {
    private static final String TEXT = "java.lang.String";

    public static void main(String[] args) {
        Arguments.setSofaProperties();
        if (args.length != 2) {
            System.err.println("Give hello-server and bank-gateway as HOST:PORT.");
            System.exit(2);
        }
        Suite suite = new Suite(RpcInvokeContext::removeContext);
        hello(suite, args[0]);
        gateway(suite, Peers.consumer(GenericService.class, "bank.Gateway", args[1], null).setGeneric(true).refer());
        System.exit(suite.run(null) ? 0 : 1);
    }

    /** The lines of README.md, word for word but for the address. */
    private static void hello(Suite suite, String address) {
        Hello hello = new ConsumerConfig<Hello>()
            .setInterfaceId("com.acme.Hello")
            .setDirectUrl("bolt://" + address)
            .refer();
        suite.check("hello", () -> equal("hello Java", hello.hello("Java")));
        suite.check("hello.exception", () -> equal("a name is needed", thrown(IllegalArgumentException.class, () -> hello.hello("")).getMessage()));
    }

    private static void gateway(Suite suite, GenericService gateway) {
        suite.check("gateway.openAccount", () -> {
            for (String account : new String[] {"account-0000", "account-0001"}) {
                that(sequence(gateway.$genericInvoke("openAccount", new String[] {TEXT, "long"}, new Object[] {account, 100_000L})) > 0, account);
            }
        });
        suite.check("gateway.transfer", () -> {
            GenericObject transfer = new GenericObject("bank.Transfer");
            transfer.putField("id", "t-1");
            transfer.putField("from", "account-0000");
            transfer.putField("to", "account-0001");
            transfer.putField("cents", 250L);
            long first = sequence(gateway.$genericInvoke("transfer", new String[] {"bank.Transfer"}, new Object[] {transfer}));
            equal(3L, first);
            equal(first, sequence(gateway.$genericInvoke("transfer", new String[] {"bank.Transfer"}, new Object[] {transfer})));
        });
        suite.check("gateway.statement", () -> {
            GenericObject statement = (GenericObject) gateway.$genericInvoke("statement", new String[] {TEXT, "long", "int"},
                new Object[] {"account-0001", 0L, 10});
            equal("bank.Statement", statement.getType());
            equal(100_250L, statement.getField("balance"));
        });
    }

    private static long sequence(Object receipt) {
        equal("bank.Receipt", ((GenericObject) receipt).getType());
        return (Long) ((GenericObject) receipt).getField("sequence");
    }

    private ExampleCalls() {}
}
