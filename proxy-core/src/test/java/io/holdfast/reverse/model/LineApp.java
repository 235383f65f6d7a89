package io.holdfast.reverse.model;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * An application that gets lines, ended by {@code \n}, and answers with messages: four bytes of length, big-endian, and so many
 * bytes. Like a server that blocks, it reads on only after its answer was taken. It closes after the peer has.
 */
abstract class LineApp implements App {

    private static final int READ_BYTES = 16 << 10;
    private static final int LENGTH_BYTES = 4;
    private static final byte END_OF_LINE = '\n';

    private final Shared shared;
    private final ByteQueue input;
    private final ByteQueue output;

    LineApp(Shared shared) {
        this.shared = shared;
        input = new ByteQueue();
        output = new ByteQueue();
    }

    LineApp(LineApp other, Shared shared) {
        this.shared = shared;
        input = other.input.copy();
        output = other.output.copy();
    }

    /** Answers a line, with {@link #send}. */
    abstract void onLine(String line, long nowNanos);

    /** Sends what is due without a line. */
    void onTime(long nowNanos) {}

    @Override
    public long nextTimerNanos() {
        return Long.MAX_VALUE;
    }

    @Override
    public final void run(ModelTcp connection, long nowNanos) {
        onTime(nowNanos);
        flush(connection);
        while (output.isEmpty()) {
            String line = nextLine();
            if (line != null) {
                onLine(line, nowNanos);
                flush(connection);
            } else if (connection.readableBytes() > 0) {
                input.append(connection.read(READ_BYTES));
            } else {
                break;
            }
        }
        if (output.isEmpty() && connection.isEndOfStream()) {
            connection.close();
        }
    }

    final Shared shared() {
        return shared;
    }

    final void send(byte[] message) {
        output.append(frame(message));
    }

    /** A message with its length before it. */
    static byte[] frame(byte[] message) {
        byte[] framed = new byte[LENGTH_BYTES + message.length];
        framed[0] = (byte) (message.length >>> 24);
        framed[1] = (byte) (message.length >>> 16);
        framed[2] = (byte) (message.length >>> 8);
        framed[3] = (byte) message.length;
        System.arraycopy(message, 0, framed, LENGTH_BYTES, message.length);
        return framed;
    }

    private @Nullable String nextLine() {
        int length = input.indexOf(END_OF_LINE);
        if (length < 0) {
            return null;
        }
        String line = new String(input.take(length), StandardCharsets.UTF_8);
        input.drop(1);
        return line;
    }

    private void flush(ModelTcp connection) {
        int length = Math.min(output.size(), connection.writableBytes());
        if (length > 0) {
            connection.write(output.take(length));
        }
    }
}
