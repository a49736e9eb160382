package sofa.interop;

import com.alipay.sofa.rpc.context.RpcInvokeContext;

final class InteropServiceImpl extends InteropMethods {
    InteropServiceImpl(String prefix) {
        super(prefix);
    }

    @Override
    public String baggage(String k) {
        RpcInvokeContext context = RpcInvokeContext.getContext();
        String value = context.getRequestBaggage(k);
        context.putResponseBaggage("answer", "got-" + value);
        return value;
    }
}
