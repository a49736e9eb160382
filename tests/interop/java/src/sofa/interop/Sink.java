package sofa.interop;

/** Where the messages of a stream go, whatever the library calls it. */
interface Sink<T> {
    void next(T message);

    void failed(Throwable why);

    void completed();
}
