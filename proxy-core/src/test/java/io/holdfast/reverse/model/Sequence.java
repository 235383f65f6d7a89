package io.holdfast.reverse.model;

/** Comparisons of sequence numbers and timestamps, which wrap (RFC 9293, section 3.4): by their signed difference. */
final class Sequence {

    private Sequence() {}

    static boolean isBefore(int a, int b) {
        return a - b < 0;
    }

    static boolean isAfter(int a, int b) {
        return a - b > 0;
    }

    static int earlier(int a, int b) {
        return isBefore(a, b) ? a : b;
    }

    static int later(int a, int b) {
        return isAfter(a, b) ? a : b;
    }
}
