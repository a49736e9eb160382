package sofa.interop;

import de.codecentric.boot.admin.server.config.EnableAdminServer;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.context.WebServerApplicationContext;
import org.springframework.context.annotation.Configuration;

/** Spring Boot Admin on a free port of loopback; prints "ready pid=N http=PORT". */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableAdminServer
public class AdminServerMain {
  public static void main(String[] args) {
    SpringApplication application = new SpringApplication(AdminServerMain.class);
    application.setDefaultProperties(Map.of(
        "server.port", "0",
        "server.address", "127.0.0.1",
        "spring.main.banner-mode", "off",
        "spring.boot.admin.monitor.status-interval", "3s",
        "spring.boot.admin.monitor.status-lifetime", "1s",
        "logging.level.root", "WARN"));
    var context = (WebServerApplicationContext) application.run(args);
    System.out.println("ready pid=" + ProcessHandle.current().pid() + " http=" + context.getWebServer().getPort());
  }
}
