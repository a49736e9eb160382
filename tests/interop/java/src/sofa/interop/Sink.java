package sofa.interop;

import java.util.function.Consumer;

/** Where the messages of a stream go, whatever the library calls it. */
interface Sink<T> {
    void next(T message);

    void failed(Throwable why);

    void completed();

    /** One of three functions, as a library's observer has them. */
    static <T> Sink<T> of(Consumer<? super T> next, Consumer<? super Throwable> failed, Runnable completed) {
        return new Sink<>() {
            @Override
            public void next(T message) {
                next.accept(message);
            }

            @Override
            public void failed(Throwable why) {
                failed.accept(why);
            }

            @Override
            public void completed() {
                completed.run();
            }
        };
    }
}
