package sofa.interop;

/** The stream service as a server has it. */
final class StreamMethods implements StreamPeer {
    @Override
    public void users(int times, Sink<User> out) {
        if (times < 0) {
            out.failed(new IllegalArgumentException("boom stream"));
            return;
        }
        for (int id = 0; id < times; id++) {
            out.next(User.of(id, null));
        }
        out.completed();
    }

    @Override
    public Sink<User> total(Sink<Long> out) {
        return new Sink<>() {
            private long sum;

            @Override
            public void next(User user) {
                sum += user.id;
            }

            @Override
            public void failed(Throwable why) {}

            @Override
            public void completed() {
                out.next(sum);
                out.completed();
            }
        };
    }

    @Override
    public Sink<String> shout(Sink<String> out) {
        return Sink.of(text -> out.next(text + "!"), why -> {}, out::completed);
    }
}
