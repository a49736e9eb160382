package sofa.interop;

import java.io.Serializable;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** One method for each kind of Java parameter that the contract's service does not have. What is not said otherwise comes back as it was sent. */
public interface ExtraService {
    boolean not(boolean b);

    /** Widened in the answer: a float result comes to a Java client as a Double, which it cannot return. */
    double halfFloat(float f);

    int nextByte(byte b);

    int nextShort(short s);

    String charName(char c);

    Boolean boxedBoolean(Boolean b);

    Integer boxedInteger(Integer i);

    Long boxedLong(Long l);

    Double boxedDouble(Double d);

    String boxedNames(Byte b, Short s, Float f, Character c);

    boolean[] booleans(boolean[] v);

    short[] shorts(short[] v);

    int[] ints(int[] v);

    long[] longs(long[] v);

    float[] floats(float[] v);

    double[] doubles(double[] v);

    String chars(char[] v);

    Integer[] integers(Integer[] v);

    Level[] levels(Level[] v);

    User[] users(User[] v);

    int[][] grid(int[][] v);

    Object[] objects(Object[] v);

    List<String> list(List<String> v);

    List<Byte> byteList(List<Byte> v);

    ArrayList<String> arrayList(ArrayList<String> v);

    /** The number of elements; a set of the same elements is a set there. */
    int setSize(Set<String> v);

    int collectionSize(Collection<String> v);

    Set<String> set(Set<String> v);

    HashMap<String, Integer> hashMap(HashMap<String, Integer> v);

    Map<String, List<User>> usersByTeam(Map<String, List<User>> v);

    Map<Level, Integer> byLevel(Map<Level, Integer> v);

    Map<Integer, String> byNumber(Map<Integer, String> v);

    Date date(Date v);

    BigDecimal decimal(BigDecimal v);

    BigInteger bigInteger(BigInteger v);

    UUID uuid(UUID v);

    LocalDate localDate(LocalDate v);

    LocalTime localTime(LocalTime v);

    Instant instant(Instant v);

    Inner inner(Inner v);

    Inner.Color nextColor(Inner.Color v);

    User poly(User v);

    /** Which of the overloads was called, by its Java type. */
    String which(int v);

    String which(long v);

    String which(Integer v);

    String which(String v);

    String which(Object v);

    String which(int[] v);

    String which(List<String> v);

    String which(String[] v);

    String eight(int a, long b, double c, boolean d, String e, Level f, List<String> g, byte[] h);

    /** Throws an exception of this class that takes a message, or, for a class that does not exist, a RuntimeException. */
    void failWith(String className) throws Exception;

    /** "host:port" of the caller's end of the connection. */
    String caller();

    /** A nested class, whose name has a `$`. */
    class Inner implements Serializable {
        private static final long serialVersionUID = 1L;

        public enum Color {
            RED, GREEN
        }

        public String name;
        public Color color;
        public Float ratio;
        public char letter;
        public byte small;
        public short medium;
        public long[] numbers;
        public List<Map<String, Integer>> counts;
    }

    /** A subclass of a parameter's type, with a field of its own. */
    class Employee extends User {
        private static final long serialVersionUID = 1L;
        public String desk;
    }
}
