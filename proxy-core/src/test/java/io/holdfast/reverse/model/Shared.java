package io.holdfast.reverse.model;

import java.util.random.RandomGenerator;

/** What the applications of one host have in common. */
public final class Shared {

    private final RandomGenerator random;
    private long count;

    Shared(RandomGenerator random) {
        this.random = random;
    }

    /** A snapshot, with other randomness. */
    Shared copy(RandomGenerator random) {
        Shared copy = new Shared(random);
        copy.count = count;
        return copy;
    }

    /** The host's randomness, which no other life of it repeats. */
    RandomGenerator random() {
        return random;
    }

    /** 1, 2, 3 and so on, whichever connection asks. */
    long nextNumber() {
        return ++count;
    }

    /** The number that was given last. */
    public long count() {
        return count;
    }
}
