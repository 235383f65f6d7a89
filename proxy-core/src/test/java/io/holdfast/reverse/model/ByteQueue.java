package io.holdfast.reverse.model;

import java.util.Arrays;

/** Bytes in a row: appended at one end, looked at and dropped at the other. Grows as needed. */
final class ByteQueue {

    private static final int INITIAL_BYTES = 256;

    private byte[] bytes;
    private int head;
    private int size;

    ByteQueue() {
        bytes = new byte[INITIAL_BYTES];
    }

    private ByteQueue(ByteQueue other) {
        bytes = Arrays.copyOfRange(other.bytes, other.head, other.head + Math.max(other.size, INITIAL_BYTES));
        size = other.size;
    }

    ByteQueue copy() {
        return new ByteQueue(this);
    }

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    void append(byte[] source, int offset, int length) {
        if (head + size + length > bytes.length) {
            // Moved to the front only if much room is there, so that each byte is moved a bounded number of times.
            byte[] roomy = 2 * (size + length) > bytes.length ? new byte[2 * (size + length)] : bytes;
            System.arraycopy(bytes, head, roomy, 0, size);
            bytes = roomy;
            head = 0;
        }
        System.arraycopy(source, offset, bytes, head + size, length);
        size += length;
    }

    void append(byte[] source) {
        append(source, 0, source.length);
    }

    /** A copy of some of the bytes; they stay in the queue. */
    byte[] peek(int offset, int length) {
        return Arrays.copyOfRange(bytes, head + offset, head + offset + length);
    }

    void drop(int length) {
        head += length;
        size -= length;
        if (size == 0) {
            head = 0;
        }
    }

    /** The first bytes, which leave the queue. */
    byte[] take(int length) {
        byte[] taken = peek(0, length);
        drop(length);
        return taken;
    }

    /** How many bytes stand before the first one with this value; -1 if there is none. */
    int indexOf(byte value) {
        for (int i = 0; i < size; i++) {
            if (bytes[head + i] == value) {
                return i;
            }
        }
        return -1;
    }
}
