package io.holdfast.reverse.model;

/** Answers each line with 8 to {@value #MAX_REPLY_BYTES} random bytes: no other life of the host repeats them. */
public final class RandomApp extends LineApp {

    public static final int MAX_REPLY_BYTES = 3_000;

    private static final int MIN_REPLY_BYTES = 8;

    public RandomApp(Shared shared) {
        super(shared);
    }

    private RandomApp(RandomApp other, Shared shared) {
        super(other, shared);
    }

    @Override
    void onLine(String line, long nowNanos) {
        byte[] message = new byte[shared().random().nextInt(MIN_REPLY_BYTES, MAX_REPLY_BYTES + 1)];
        shared().random().nextBytes(message);
        send(message);
    }

    @Override
    public RandomApp copy(Shared shared) {
        return new RandomApp(this, shared);
    }
}
