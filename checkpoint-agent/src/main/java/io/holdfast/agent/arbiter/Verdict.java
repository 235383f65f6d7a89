package io.holdfast.agent.arbiter;

import io.holdfast.wall.Term;
import java.util.Optional;
import java.util.OptionalLong;

/** An arbiter's answer to a {@link Claim}. */
public sealed interface Verdict {

    /**
     * The wanted term is the newest one, now or since an earlier claim.
     *
     * @param leaseUntilNanos monotonic time until which the right to serve alone lasts without being renewed, counted from before
     *     the arbiter was asked; empty if it does not end by itself
     */
    record Granted(OptionalLong leaseUntilNanos) implements Verdict {

        /** A right that does not end by itself. */
        public static Granted forGood() {
            return new Granted(OptionalLong.empty());
        }
    }

    /**
     * Somebody else has the right.
     *
     * @param newest the term that stands in the way, if the arbiter knows terms
     * @param reason in words, with who says so
     */
    record Refused(Optional<Term> newest, String reason) implements Verdict {}

    /** There is no answer; whether the claim was carried out is unknown. To repeat it is safe. */
    record Unreachable(String reason) implements Verdict {}
}
