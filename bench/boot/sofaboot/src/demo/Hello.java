package demo;

import com.alipay.sofa.boot.actuator.health.ReadinessEndpoint;
import com.alipay.sofa.runtime.api.annotation.SofaService;
import com.alipay.sofa.runtime.api.annotation.SofaServiceBinding;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.stereotype.Component;

/** A service on Bolt with readiness checks and the actuator; prints "ready" when traffic may come in. */
@SpringBootApplication
public class Hello {
  public interface Greeter {
    String hello(String name);
  }

  @SofaService(interfaceType = Greeter.class, bindings = {@SofaServiceBinding(bindingType = "bolt")})
  @Component
  public static class GreeterImpl implements Greeter {
    @Override
    public String hello(String name) {
      return "hello " + name;
    }
  }

  public static void main(String[] args) {
    SpringApplication application = new SpringApplication(Hello.class);
    application.setDefaultProperties(Map.of("spring.application.name", "hello", "server.port", "0", "sofa.boot.rpc.bolt-port", args[0],
        "sofa.boot.rpc.registry-address", "local://" + args[1], "spring.main.banner-mode", "off"));
    var context = application.run();
    if (!context.getBean(ReadinessEndpoint.class).health("false").getStatus().getCode().equals("UP")) System.exit(1);
    System.out.println("ready pid=" + ProcessHandle.current().pid());
  }
}
