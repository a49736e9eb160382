package sofa.interop;

import sofa.interop.pb.EchoRequest;
import sofa.interop.pb.EchoResponse;

final class InteropPbServiceImpl implements InteropPbService {
    @Override
    public EchoResponse echo(EchoRequest request) {
        if (request.getSleepMs() > 0) {
            InteropMethods.pause(request.getSleepMs());
        }
        if (!request.getFail().isEmpty()) {
            throw new RuntimeException("boom " + request.getFail());
        }
        return EchoResponse.newBuilder().setText(request.getText()).setBlob(request.getBlob()).putAllAttrs(request.getAttrsMap()).build();
    }
}
