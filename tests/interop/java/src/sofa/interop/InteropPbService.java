package sofa.interop;

import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

/** The protobuf service of the contract (serializer 11). */
public interface InteropPbService {
    EchoResponse echo(EchoRequest request);
}
