package io.holdfast.agent.arbiter;

import io.holdfast.wall.Term;
import java.util.Optional;

/** What follows from a claim and the newest term that is known. Pure. */
public final class TermRegister {

    /** What follows. */
    public enum Ruling {
        /** The wanted term is to be written, if the one that was read still stands there. */
        WRITE,
        /** It stands there already. */
        HELD,
        /** A newer one stands there, or another one of the same rank. */
        REFUSED,
        /** What is compared with was never registered, or was lost: nobody knows who has gone on from there. */
        UNREGISTERED
    }

    private TermRegister() {}

    /**
     * @param newest the newest term that is known; empty before the first, and if it was lost
     */
    public static Ruling rule(Claim claim, Optional<Term> newest) {
        if (newest.isPresent() && newest.get().equals(claim.wanted())) {
            return Ruling.HELD;
        }
        if (claim.compared().isEmpty()) {
            boolean isNewer = newest.isEmpty() || claim.wanted().compareTo(newest.get()) > 0;
            return isNewer ? Ruling.WRITE : Ruling.REFUSED;
        }
        Term compared = claim.compared().get();
        if (newest.isEmpty()) {
            return Ruling.UNREGISTERED;
        }
        if (newest.get().equals(compared)) {
            return Ruling.WRITE;
        }
        return compared.isStaleAgainst(newest.get()) ? Ruling.REFUSED : Ruling.UNREGISTERED;
    }
}
