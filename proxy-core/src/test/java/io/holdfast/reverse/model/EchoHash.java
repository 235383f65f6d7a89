package io.holdfast.reverse.model;

/** Answers each line with bytes that the line determines, 1 to {@value #MAX_REPLY_BYTES} of them, more often few than many. */
public final class EchoHash extends LineApp {

    public static final int MAX_REPLY_BYTES = 20_000;

    public EchoHash(Shared shared) {
        super(shared);
    }

    private EchoHash(EchoHash other, Shared shared) {
        super(other, shared);
    }

    /** What a client gets for a line (without its end), the length included. */
    public static byte[] replyTo(String line) {
        return frame(message(line));
    }

    @Override
    void onLine(String line, long nowNanos) {
        send(message(line));
    }

    @Override
    public EchoHash copy(Shared shared) {
        return new EchoHash(this, shared);
    }

    private static byte[] message(String line) {
        long hash = Hash.of(line);
        int limit = 1 + (int) Long.remainderUnsigned(hash, MAX_REPLY_BYTES);
        int length = 1 + (int) Long.remainderUnsigned(Hash.mix(hash, 1), limit);
        return Hash.bytes(hash, length);
    }
}
