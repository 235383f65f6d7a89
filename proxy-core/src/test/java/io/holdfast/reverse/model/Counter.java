package io.holdfast.reverse.model;

import java.nio.charset.StandardCharsets;

/** Answers each line with the host's next number, a blank and the line: replies depend on the order of all connections' requests. */
public final class Counter extends LineApp {

    public Counter(Shared shared) {
        super(shared);
    }

    private Counter(Counter other, Shared shared) {
        super(other, shared);
    }

    /** What a client gets for a line (without its end), the length included. */
    public static byte[] replyTo(long number, String line) {
        return frame((number + " " + line).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    void onLine(String line, long nowNanos) {
        send((shared().nextNumber() + " " + line).getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public Counter copy(Shared shared) {
        return new Counter(this, shared);
    }
}
