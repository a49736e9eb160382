package sofa.bench;

import com.google.protobuf.StringValue;

/** The interface that ProtoEcho exports. */
public interface ProtoEchoCalls {
    StringValue call(StringValue text);
}
