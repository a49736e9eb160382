// Java, SOFARPC over Bolt: GreeterClient [bolt://127.0.0.1:12200]; GreetRequest and GreetReply are what protoc makes.
package com.acme.greeter;

import com.alipay.sofa.rpc.config.ConsumerConfig;

public class GreeterClient {
    public static void main(String[] args) {
        // region: call
        Greeter greeter = new ConsumerConfig<Greeter>()
            .setInterfaceId("com.acme.greeter.Greeter")
            .setSerialization("protobuf")
            .setDirectUrl(args.length > 0 ? args[0] : "bolt://127.0.0.1:12200")
            .refer();
        System.out.println(greeter.greet(GreetRequest.newBuilder().setName("Java").build()).getText());
        // endregion
        System.exit(0);
    }
}

interface Greeter {
    GreetReply greet(GreetRequest request);
}
