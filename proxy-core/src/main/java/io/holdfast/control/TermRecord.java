package io.holdfast.control;

/**
 * A term as it is remembered on disk (INV-7).
 *
 * @param number counts up, from 1
 * @param claim how its owner came to it: {@link #ALONE} or {@link #PROMOTION}
 * @param owner the host that owns it
 * @param sealed this host's part in the term is over; it stays so until a newer term
 */
public record TermRecord(long number, String claim, String owner, boolean sealed) {

    /** The owner went on without its backup. */
    public static final String ALONE = "alone";

    /** The owner was the backup and took over. */
    public static final String PROMOTION = "promotion";

    public TermRecord {
        if (number < 1) {
            throw new IllegalArgumentException("a term's number is at least 1, not " + number);
        }
        if (!claim.equals(ALONE) && !claim.equals(PROMOTION)) {
            throw new IllegalArgumentException("a term's claim is `alone` or `promotion`, not `" + claim + "`");
        }
        if (owner.isEmpty()) {
            throw new IllegalArgumentException("a term has an owner");
        }
    }

    /** Higher by number; at the same number a promotion beats going alone. */
    public boolean beats(TermRecord other) {
        return number > other.number
                || (number == other.number && claim.equals(PROMOTION) && other.claim.equals(ALONE));
    }

    /** The same claim of the same owner to the same number, sealed or not. */
    public boolean isSameTermAs(TermRecord other) {
        return number == other.number && claim.equals(other.claim) && owner.equals(other.owner);
    }

    /** The same term, sealed. */
    public TermRecord seal() {
        return new TermRecord(number, claim, owner, true);
    }
}
