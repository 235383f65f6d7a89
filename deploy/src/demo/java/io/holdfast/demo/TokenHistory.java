package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The tokens that one or more clients appended to one list of the guest's. The guest answers with the list's new length, which
 * promises the token a place for ever, because nothing is removed.
 *
 * <p>Thread-safe.
 */
final class TokenHistory {

    private final String key;
    private final Consumer<Violation> violations;
    private final Set<String> asked = new HashSet<>();
    private final List<Acknowledgement> acknowledged = new ArrayList<>();
    private final Set<String> disavowed = new HashSet<>();

    /** @param place the length that the guest answered, that is the token's place counted from 1 */
    private record Acknowledgement(String client, String token, long place) {

        boolean isKept(List<String> tokens) {
            return place >= 1
                    && place <= tokens.size()
                    && tokens.get((int) (place - 1)).equals(token);
        }
    }

    TokenHistory(String key, Consumer<Violation> violations) {
        this.key = key;
        this.violations = violations;
    }

    String key() {
        return key;
    }

    synchronized void asked(String token) {
        asked.add(token);
    }

    synchronized void answered(String client, String token, long length) {
        acknowledged.add(new Acknowledgement(client, token, length));
    }

    /** What this client was told no longer binds the guest; its tokens may or may not be there. */
    synchronized void disavow(String client) {
        disavowed.add(client);
    }

    /** Every acknowledged token must stand at its place; every other token at most once; nobody else's at all. */
    synchronized void compareWith(GuestState guest) {
        List<String> tokens = guest.list(key);
        for (Acknowledgement told : acknowledged) {
            if (!disavowed.contains(told.client) && !told.isKept(tokens)) {
                violations.accept(misplaced(told.token, told.place, tokens));
            }
        }
        Set<String> seen = new HashSet<>();
        for (String token : tokens) {
            if (!asked.contains(token)) {
                violations.accept(new Violation(Kind.GARBLED, key, "the guest has a token that nobody sent: " + token));
            } else if (!seen.add(token)) {
                // No client sends a token again, so that two of them are one request that was carried out twice.
                violations.accept(new Violation(Kind.DUPLICATE, key, "the guest has token " + token + " twice"));
            }
        }
    }

    private Violation misplaced(String token, long place, List<String> tokens) {
        int found = tokens.indexOf(token);
        return found < 0
                ? new Violation(Kind.LOST_WRITE, key, "acknowledged token " + token + " is gone")
                : new Violation(
                        Kind.CONTRADICTED_REPLY,
                        key,
                        "token " + token + " was acknowledged at place " + place + " and stands at " + (found + 1));
    }
}
