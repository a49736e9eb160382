package sofa.interop;

import java.util.List;
import java.util.Map;

/** What serializer 12 is tried with: it knows a method by its name alone, so nothing here is overloaded or void. */
public interface JsonService {
    String echo(String s);

    String hello(String name, int times);

    int add(int a, int b);

    long addLong(Long a, long b);

    double half(double d);

    boolean not(boolean b);

    String nothing();

    User putUser(User u);

    List<User> listUsers(int n);

    List<String> reverse(List<String> items);

    Map<String, Integer> counts(Map<String, Integer> m);

    Map<String, User> usersByName(List<User> users, String suffix);

    byte[] echoBytes(byte[] b);

    int sum(int[] v);

    String[] echoArray(String[] a);

    Level nextLevel(Level l);

    String sleep(long ms);

    String fail(String kind) throws InteropException;
}
