package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What all clients of one counter were told: no value twice, and each client's values strictly rising.
 *
 * <p>Thread-safe.
 */
final class SharedCounterHistory {

    private final String key;
    private final Consumer<Violation> violations;
    private final BitSet answers = new BitSet();
    private final Map<String, Long> lastByClient = new HashMap<>();
    private int outstanding;

    SharedCounterHistory(String key, Consumer<Violation> violations) {
        this.key = key;
        this.violations = violations;
    }

    String key() {
        return key;
    }

    synchronized void asked() {
        outstanding++;
    }

    synchronized void answered(String client, long value) {
        outstanding--;
        long last = lastByClient.getOrDefault(client, 0L);
        if (value < 1 || value > Integer.MAX_VALUE) {
            violations.accept(new Violation(Kind.GARBLED, key, client + " was told " + value));
            return;
        }
        if (value <= last) {
            violations.accept(new Violation(Kind.LOST_WRITE, key, client + " was told " + value + " after " + last));
        } else if (answers.get((int) value)) {
            violations.accept(
                    new Violation(Kind.DUPLICATE, key, client + " was told " + value + ", as another client was"));
        }
        lastByClient.put(client, value);
        answers.set((int) value);
    }

    /** The guest must have counted at least to the highest answer, and no further than increments were asked for. */
    synchronized void compareWith(GuestState guest) {
        long value = guest.sharedCounter();
        long highest = answers.length() - 1L;
        int told = answers.cardinality();
        if (value < highest) {
            violations.accept(
                    new Violation(Kind.LOST_WRITE, key, "the guest has " + value + ", but acknowledged " + highest));
        } else if (value > told + (long) outstanding) {
            violations.accept(new Violation(
                    Kind.DUPLICATE,
                    key,
                    "the guest has " + value + ", but only " + told + " were acknowledged and " + outstanding
                            + " are open"));
        }
    }
}
