package io.holdfast.wall;

import java.util.Comparator;

/**
 * The right to speak for the guest: a number that grows with each change of owner, how the owner came by it, and its
 * name (INV-7).
 *
 * <p>Terms are ordered by number; at the same number a promotion beats going alone. Two different owners with the same
 * number and claim compare as equal and neither may displace the other.
 *
 * @param number from 1 on; 0 is "never had one"
 * @param claim how the owner came by it
 * @param owner the host's name
 */
public record Term(long number, Claim claim, String owner) implements Comparable<Term> {

    /** How a host came to own a term; later constants win at the same number. */
    public enum Claim {
        /** It goes on without a backup. */
        ALONE,
        /** It started the guest, or took it over from a checkpoint. */
        PROMOTION
    }

    private static final Comparator<Term> ORDER =
            Comparator.comparingLong(Term::number).thenComparing(Term::claim);

    public Term {
        if (number < 0) {
            throw new IllegalArgumentException("a term's number is not negative: " + number);
        }
    }

    /** Before anybody owned anything. */
    public static Term none() {
        return new Term(0, Claim.ALONE, "");
    }

    @Override
    public int compareTo(Term other) {
        return ORDER.compare(this, other);
    }

    /** Whether whoever holds this term must be refused where {@code seen} is known. */
    public boolean isStaleAgainst(Term seen) {
        int order = compareTo(seen);
        return order < 0 || (order == 0 && !owner.equals(seen.owner));
    }

    /** The term by which {@code host} takes over after this one. */
    public Term promotionOf(String host) {
        return new Term(number + 1, Claim.PROMOTION, host);
    }

    /** The term by which {@code host} goes on alone after this one. */
    public Term aloneOf(String host) {
        return new Term(number + 1, Claim.ALONE, host);
    }

    @Override
    public String toString() {
        return number + "/" + (claim == Claim.PROMOTION ? "promotion" : "alone") + "/" + owner;
    }
}
