package sofa.lab;

import com.alipay.remoting.CustomSerializerManager;
import com.alipay.remoting.DefaultCustomSerializer;
import com.alipay.remoting.rpc.RequestCommand;
import com.alipay.remoting.rpc.ResponseCommand;
import com.alipay.remoting.rpc.protocol.RpcRequestCommand;
import com.alipay.remoting.rpc.protocol.RpcResponseCommand;

/** Bolt's serializer of the two classes of the lab, chosen by class name: the content is the raw bytes. A server needs the half that it uses. */
final class RawBytes extends DefaultCustomSerializer {
    static void register() {
        RawBytes serializer = new RawBytes();
        CustomSerializerManager.registerCustomSerializer(KvRequest.class.getName(), serializer);
        CustomSerializerManager.registerCustomSerializer(KvResponse.class.getName(), serializer);
    }

    @Override
    public <T extends RequestCommand> boolean deserializeContent(T request) {
        RpcRequestCommand command = (RpcRequestCommand) request;
        command.setRequestObject(new KvRequest(command.getContent() == null ? new byte[0] : command.getContent()));
        return true;
    }

    @Override
    public <T extends ResponseCommand> boolean serializeContent(T response) {
        RpcResponseCommand command = (RpcResponseCommand) response;
        command.setContent(((KvResponse) command.getResponseObject()).bytes);
        return true;
    }
}
