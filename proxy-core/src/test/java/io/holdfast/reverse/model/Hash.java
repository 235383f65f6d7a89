package io.holdfast.reverse.model;

/** A hash that is the same in every run: the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), chained. */
final class Hash {

    private static final long GOLDEN_GAMMA = 0x9e37_79b9_7f4a_7c15L;

    private Hash() {}

    static long mix(long seed, long value) {
        long z = (seed ^ value) + GOLDEN_GAMMA;
        z = (z ^ z >>> 30) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ z >>> 27) * 0x94d0_49bb_1331_11ebL;
        return z ^ z >>> 31;
    }

    static long of(String text) {
        long hash = text.length();
        for (int i = 0; i < text.length(); i++) {
            hash = mix(hash, text.charAt(i));
        }
        return hash;
    }

    static long of(long secret, Endpoints endpoints) {
        long hash = mix(secret, endpoints.sourceHigh());
        hash = mix(hash, endpoints.sourceLow());
        hash = mix(hash, endpoints.destinationHigh());
        hash = mix(hash, endpoints.destinationLow());
        return mix(hash, (long) endpoints.sourcePort() << 16 | endpoints.destinationPort());
    }

    /** Bytes that a seed determines. */
    static byte[] bytes(long seed, int length) {
        byte[] bytes = new byte[length];
        long word = 0;
        for (int i = 0; i < length; i++) {
            word = (i & 7) == 0 ? mix(seed, i) : word >>> 8;
            bytes[i] = (byte) word;
        }
        return bytes;
    }
}
