package sofa.interop;

import java.io.Serializable;
import java.util.List;

public class Node implements Serializable {
    private static final long serialVersionUID = 1L;

    public String name;
    public Node next;
    public List<Node> children;

    public Node() {}

    public Node(String name) {
        this.name = name;
    }
}
