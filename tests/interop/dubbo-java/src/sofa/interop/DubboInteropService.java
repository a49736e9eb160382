package sofa.interop;

/** Section 5 of the interop contract: the methods of section 1 over Dubbo, and attachments in place of baggage. */
public interface DubboInteropService extends InteropService {
    /** The attachment of the request under this key; the answer has the attachment "answer" = "got". */
    String attachment(String key);
}
