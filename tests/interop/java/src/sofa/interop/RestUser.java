package sofa.interop;

import java.util.List;

public class RestUser {
    public long id;
    public String name;
    public List<String> tags;

    public RestUser() {}

    RestUser(long id, String name, List<String> tags) {
        this.id = id;
        this.name = name;
        this.tags = tags;
    }
}
