package io.holdfast.reverse.model;

/**
 * Takes a line {@code <milliseconds> <text>} for a subscription: from then on it pushes a message at every multiple of so many
 * milliseconds of the host's clock. The messages are determined by the text and their number; only when they come is not. Another
 * line takes the place of the one before.
 */
public final class ServerPush extends LineApp {

    public static final int MAX_PUSH_BYTES = 4_000;

    private static final long NANOS_PER_MILLI = 1_000_000;

    private String text = "";
    private long pushed;
    private long intervalNanos;
    private long nextPushNanos = Long.MAX_VALUE;

    public ServerPush(Shared shared) {
        super(shared);
    }

    private ServerPush(ServerPush other, Shared shared) {
        super(other, shared);
        text = other.text;
        pushed = other.pushed;
        intervalNanos = other.intervalNanos;
        nextPushNanos = other.nextPushNanos;
    }

    /** What a client gets, the length included. */
    public static byte[] push(String text, long number) {
        return frame(message(text, number));
    }

    @Override
    void onLine(String line, long nowNanos) {
        int blank = line.indexOf(' ');
        intervalNanos = Math.max(1, Long.parseLong(line, 0, blank, 10)) * NANOS_PER_MILLI;
        text = line.substring(blank + 1);
        pushed = 0;
        schedule(nowNanos);
    }

    @Override
    void onTime(long nowNanos) {
        if (nowNanos >= nextPushNanos) {
            send(message(text, pushed));
            pushed++;
            schedule(nowNanos);
        }
    }

    @Override
    public long nextTimerNanos() {
        return nextPushNanos;
    }

    @Override
    public ServerPush copy(Shared shared) {
        return new ServerPush(this, shared);
    }

    private void schedule(long nowNanos) {
        nextPushNanos = (Math.floorDiv(nowNanos, intervalNanos) + 1) * intervalNanos;
    }

    private static byte[] message(String text, long number) {
        long hash = Hash.mix(Hash.of(text), number);
        return Hash.bytes(hash, 1 + (int) Long.remainderUnsigned(hash, MAX_PUSH_BYTES));
    }
}
