package sofa.interop;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

public class User implements Serializable {
    enum Level { BRONZE, SILVER, GOLD }

    long id;
    String name;
    int age;
    boolean vip;
    double score;
    Integer rank;
    List<String> tags = new ArrayList<>();
    Map<String, Object> attrs = new HashMap<>();
    Level level;
    Date birthday;
    BigDecimal balance;
    byte[] avatar;
    User manager;

    static User make(long id) {
        User user = new User();
        user.id = id;
        user.name = "user-" + id;
        user.age = (int) (20 + id % 50);
        user.vip = id % 2 == 0;
        user.score = 1.5 * id;
        user.rank = (int) id;
        user.tags.add("a");
        user.tags.add("中文");
        user.attrs.put("k", "v");
        user.attrs.put("n", id);
        user.level = Level.values()[(int) (id % 3)];
        user.birthday = new Date(946684800000L + 1000 * id);
        user.balance = new BigDecimal((100 + id) + ".25");
        user.avatar = new byte[] {1, 2, 3, (byte) id};
        return user;
    }
}
