package sofa.interop;

public class InteropException extends Exception {
    private static final long serialVersionUID = 1L;

    public int code;

    public InteropException() {}

    public InteropException(String message, int code) {
        super(message);
        this.code = code;
    }
}
