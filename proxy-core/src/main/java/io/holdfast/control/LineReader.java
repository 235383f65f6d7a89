package io.holdfast.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/** Cuts what a blocking channel gives into lines of bounded length. For one thread. */
final class LineReader {

    private final ReadableByteChannel channel;

    /** Always in reading position: what has come and not been handed out is between position and limit. */
    private final ByteBuffer buffer =
            ByteBuffer.allocate(Messages.LINE_LIMIT_BYTES + 1).limit(0);

    private int searchedTo;

    LineReader(ReadableByteChannel channel) {
        this.channel = channel;
    }

    /**
     * The next line without its newline, valid until the next call; null at the end. A last line without a newline is not
     * one.
     */
    @Nullable
    ByteBuffer next() throws IOException {
        while (true) {
            for (int i = searchedTo; i < buffer.limit(); i++) {
                if (buffer.get(i) == '\n') {
                    ByteBuffer line = buffer.slice(buffer.position(), i - buffer.position());
                    buffer.position(i + 1);
                    searchedTo = i + 1;
                    return line;
                }
            }
            int waiting = buffer.remaining();
            buffer.compact();
            if (!buffer.hasRemaining()) {
                throw new IOException("a line has more than " + Messages.LINE_LIMIT_BYTES + " bytes");
            }
            int count = channel.read(buffer);
            buffer.flip();
            searchedTo = waiting;
            if (count < 0) {
                return null;
            }
        }
    }
}
