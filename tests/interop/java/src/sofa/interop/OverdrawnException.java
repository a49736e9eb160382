package sofa.interop;

import java.io.Serializable;

/** An exception that no C++ program describes, with a field of another such class. */
public class OverdrawnException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public static class Account implements Serializable {
        private static final long serialVersionUID = 1L;
        public long cents;
    }

    public Account account = new Account();

    public OverdrawnException(String message) {
        super(message);
        account.cents = -250;
    }
}
