package io.holdfast.agent.link;

import java.util.regex.Pattern;

/**
 * A term as it crosses the link: who claims to own the guest's output, and by what right.
 *
 * @param number grows with every change of ownership; 0 if there was none yet
 * @param claim by what right, such as {@code alone} or {@code promotion}; lower-case letters and hyphens
 * @param owner the host that owns the term; empty if nobody does
 */
public record TermClaim(long number, String claim, String owner) {

    private static final Pattern CLAIM = Pattern.compile("[a-z-]{0,32}");
    private static final Pattern OWNER = Pattern.compile("[a-z0-9-]{0,32}");

    public TermClaim {
        if (number < 0) {
            throw new IllegalArgumentException("term number is negative: " + number);
        }
        if (!CLAIM.matcher(claim).matches()) {
            throw new IllegalArgumentException("claim is not [a-z-]{0,32}");
        }
        if (!OWNER.matcher(owner).matches()) {
            throw new IllegalArgumentException("owner of the term is not [a-z0-9-]{0,32}");
        }
    }
}
