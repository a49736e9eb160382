package com.alipay.sofa.jraft.core;

import com.alipay.sofa.jraft.Node;

/** JRaft shows a node's term to its own package alone. */
public final class NodeTerm {
    private NodeTerm() {}

    public static long of(Node node) {
        return ((NodeImpl) node).getCurrentTerm();
    }
}
