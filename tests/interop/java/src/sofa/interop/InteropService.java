package sofa.interop;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;

/** The service of the interop contract; docs/protocols/interop-service.md says what each method answers. */
public interface InteropService {
    String echo(String s);

    String hello(String name);

    String hello(String name, int times);

    int add(int a, int b);

    long addLong(Long a, long b);

    double half(double d);

    void ping();

    User getUser(long id);

    User putUser(User u);

    List<User> listUsers(int n);

    Map<Object, Object> echoMap(Map<Object, Object> m);

    byte[] echoBytes(byte[] b);

    String[] echoArray(String[] a);

    int sum(int[] v);

    Level nextLevel(Level l);

    Object echoObject(Object o);

    LocalDateTime plusDays(LocalDateTime t, int days);

    Node echoNode(Node n);

    String big(int chars);

    String sleep(long ms);

    String fail(String kind) throws InteropException;

    void note(String k, String v);

    String recall(String k);

    String baggage(String k);
}
