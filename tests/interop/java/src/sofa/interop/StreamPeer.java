package sofa.interop;

/** The methods of the stream services, SOFARPC's and Dubbo's, behind one face: what the checks call and the servers implement. */
interface StreamPeer {
    /** Users 0 to times - 1; a negative number fails with an IllegalArgumentException "boom stream". */
    void users(int times, Sink<User> out);

    /** The sum of the ids, once the users have ended. */
    Sink<User> total(Sink<Long> out);

    /** Each text with "!" behind it, at once. */
    Sink<String> shout(Sink<String> out);
}
