package sofa.interop;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

public class User implements Serializable {
    private static final long serialVersionUID = 1L;

    public long id;
    public String name;
    public int age;
    public boolean vip;
    public double score;
    public Integer rank;
    public List<String> tags;
    public Map<String, Object> attrs;
    public Level level;
    public Date birthday;
    public BigDecimal balance;
    public byte[] avatar;
    public User manager;

    /** The user that the contract gives to this id. */
    public static User of(long id, User manager) {
        User u = new User();
        u.id = id;
        u.name = "user-" + id;
        u.age = (int) (20 + id % 50);
        u.vip = id % 2 == 0;
        u.score = 1.5 * id;
        u.rank = id == 0 ? null : (Integer) (int) id;
        u.tags = new ArrayList<>(Arrays.asList("a", "中文"));
        u.attrs = new HashMap<>();
        u.attrs.put("k", "v");
        u.attrs.put("n", id);
        u.level = Level.values()[(int) (id % 3)];
        u.birthday = new Date(946684800000L + 1000 * id);
        u.balance = new BigDecimal("100.25").add(BigDecimal.valueOf(id));
        u.avatar = new byte[] {1, 2, 3, (byte) id};
        u.manager = manager;
        return u;
    }

    /** Equal in every field but the manager, which the checks compare by identity. */
    public boolean sameAs(User o) {
        return o != null && id == o.id && Objects.equals(name, o.name) && age == o.age && vip == o.vip
            && Double.compare(score, o.score) == 0 && Objects.equals(rank, o.rank) && Objects.equals(tags, o.tags)
            && Objects.equals(attrs, o.attrs) && level == o.level && Objects.equals(birthday, o.birthday)
            && Objects.equals(balance, o.balance) && Arrays.equals(avatar, o.avatar);
    }

    @Override
    public String toString() {
        return "User{id=" + id + ", name=" + name + ", age=" + age + ", vip=" + vip + ", score=" + score + ", rank=" + rank + ", tags=" + tags
            + ", attrs=" + attrs + ", level=" + level + ", birthday=" + birthday + ", balance=" + balance + ", avatar="
            + Arrays.toString(avatar) + ", manager=" + (manager == null ? "null" : "user " + manager.id) + "}";
    }
}
