package sofa.interop;

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

final class ExtraServiceImpl implements ExtraService {
    @Override
    public boolean not(boolean b) {
        return !b;
    }

    @Override
    public int nextByte(byte b) {
        return b + 1;
    }

    @Override
    public int nextShort(short s) {
        return s + 1;
    }

    @Override
    public double halfFloat(float f) {
        return f / 2.0;
    }

    @Override
    public String charName(char c) {
        return "char " + c;
    }

    @Override
    public Boolean boxedBoolean(Boolean b) {
        return b;
    }

    @Override
    public Integer boxedInteger(Integer i) {
        return i;
    }

    @Override
    public Long boxedLong(Long l) {
        return l;
    }

    @Override
    public Double boxedDouble(Double d) {
        return d;
    }

    @Override
    public String boxedNames(Byte b, Short s, Float f, Character c) {
        return b + " " + s + " " + f + " " + c;
    }

    @Override
    public boolean[] booleans(boolean[] v) {
        return v;
    }

    @Override
    public short[] shorts(short[] v) {
        return v;
    }

    @Override
    public int[] ints(int[] v) {
        return v;
    }

    @Override
    public long[] longs(long[] v) {
        return v;
    }

    @Override
    public float[] floats(float[] v) {
        return v;
    }

    @Override
    public double[] doubles(double[] v) {
        return v;
    }

    @Override
    public String chars(char[] v) {
        return v == null ? null : new String(v);
    }

    @Override
    public Integer[] integers(Integer[] v) {
        return v;
    }

    @Override
    public Level[] levels(Level[] v) {
        return v;
    }

    @Override
    public User[] users(User[] v) {
        return v;
    }

    @Override
    public int[][] grid(int[][] v) {
        return v;
    }

    @Override
    public Object[] objects(Object[] v) {
        return v;
    }

    @Override
    public List<String> list(List<String> v) {
        return v;
    }

    @Override
    public List<Byte> byteList(List<Byte> v) {
        return v;
    }

    @Override
    public ArrayList<String> arrayList(ArrayList<String> v) {
        return v;
    }

    @Override
    public int setSize(Set<String> v) {
        return v.size();
    }

    @Override
    public int collectionSize(Collection<String> v) {
        return v.size();
    }

    @Override
    public Set<String> set(Set<String> v) {
        return v;
    }

    @Override
    public HashMap<String, Integer> hashMap(HashMap<String, Integer> v) {
        return v;
    }

    @Override
    public Map<String, List<User>> usersByTeam(Map<String, List<User>> v) {
        return v;
    }

    @Override
    public Map<Level, Integer> byLevel(Map<Level, Integer> v) {
        return v;
    }

    @Override
    public Map<Integer, String> byNumber(Map<Integer, String> v) {
        return v;
    }

    @Override
    public Date date(Date v) {
        return v;
    }

    @Override
    public BigDecimal decimal(BigDecimal v) {
        return v;
    }

    @Override
    public BigInteger bigInteger(BigInteger v) {
        return v;
    }

    @Override
    public UUID uuid(UUID v) {
        return v;
    }

    @Override
    public LocalDate localDate(LocalDate v) {
        return v;
    }

    @Override
    public LocalTime localTime(LocalTime v) {
        return v;
    }

    @Override
    public Instant instant(Instant v) {
        return v;
    }

    @Override
    public Inner inner(Inner v) {
        return v;
    }

    @Override
    public Inner.Color nextColor(Inner.Color v) {
        return Inner.Color.values()[(v.ordinal() + 1) % Inner.Color.values().length];
    }

    @Override
    public User poly(User v) {
        return v;
    }

    @Override
    public String which(int v) {
        return "int";
    }

    @Override
    public String which(long v) {
        return "long";
    }

    @Override
    public String which(Integer v) {
        return "Integer";
    }

    @Override
    public String which(String v) {
        return "String";
    }

    @Override
    public String which(Object v) {
        return "Object";
    }

    @Override
    public String which(int[] v) {
        return "int[]";
    }

    @Override
    public String which(List<String> v) {
        return "List";
    }

    @Override
    public String which(String[] v) {
        return "String[]";
    }

    @Override
    public String eight(int a, long b, double c, boolean d, String e, Level f, List<String> g, byte[] h) {
        return a + " " + b + " " + c + " " + d + " " + e + " " + f + " " + g + " " + h.length;
    }

    @Override
    public void failWith(String className) throws Exception {
        try {
            throw (Exception) Class.forName(className).getConstructor(String.class).newInstance("boom " + className);
        } catch (ReflectiveOperationException e) {
            throw new RuntimeException("boom " + className);
        }
    }

    @Override
    public String caller() {
        java.net.InetSocketAddress address = com.alipay.sofa.rpc.context.RpcInternalContext.getContext().getRemoteAddress();
        return address.getHostString() + ":" + address.getPort();
    }
}
