package demo;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.GenericApplicationContext;

/** 1,000 beans, a graph 10 deep: 10 chains of 9, and 91 beans at the end of each; made by suppliers, which is the cheapest way that Spring has. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Beans {
  record Node(Node before) {}

  public static void main(String[] args) throws InterruptedException {
    SpringApplication application = new SpringApplication(Beans.class);
    application.addInitializers(context -> {
      var beans = (GenericApplicationContext) context;
      for (int chain = 0; chain < 10; ++chain) {
        for (int depth = 0; depth < 9; ++depth) add(beans, "node-" + chain + "-" + depth, depth == 0 ? null : "node-" + chain + "-" + (depth - 1));
        for (int end = 0; end < 91; ++end) add(beans, "end-" + chain + "-" + end, "node-" + chain + "-8");
      }
    });
    application.run(args);
    System.out.println("ready pid=" + ProcessHandle.current().pid());
    Thread.currentThread().join();
  }

  private static void add(GenericApplicationContext beans, String name, String before) {
    beans.registerBean(name, Node.class, () -> new Node(before == null ? null : beans.getBean(before, Node.class)));
  }
}
