package io.holdfast.agent.arbiter;

import io.holdfast.wall.Term;
import java.util.Optional;

/**
 * What an arbiter is asked: to make a term the newest one.
 *
 * @param wanted the term; its {@link Term#claim()} says what for
 * @param compared the term that must still be the newest; empty for a {@linkplain #registration registration}
 * @param leased whether the guest is to serve alone by it, so that the arbiter must know that its owner lives
 */
public record Claim(Term wanted, Optional<Term> compared, boolean leased) {

    /**
     * A right that two hosts may want at the same time.
     *
     * @param compared the term under which a backup was armed: it must be the newest that the arbiter knows
     */
    public static Claim after(Term compared, Term wanted) {
        return new Claim(wanted, Optional.of(compared), true);
    }

    /**
     * A term that its owner has already: it was the first, or an operator answers for it. Any older one gives way, and so does
     * nothing at all.
     */
    public static Claim registration(Term owned) {
        return new Claim(owned, Optional.empty(), false);
    }

    /** The same of an owner that serves alone by the arbiter's right: takes the lease, or renews it. */
    public static Claim renewal(Term owned) {
        return new Claim(owned, Optional.empty(), true);
    }

    /** Whether the term is its owner's already, so that the arbiter only takes note. */
    public boolean isRegistration() {
        return compared.isEmpty();
    }

    @Override
    public String toString() {
        return wanted + compared.map(term -> " after " + term).orElse(leased ? " renewed" : " registered");
    }
}
