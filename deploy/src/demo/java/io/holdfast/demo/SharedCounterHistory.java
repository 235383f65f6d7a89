package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * What all clients of one counter were told: no value twice, and each client's values strictly rising.
 *
 * <p>Thread-safe.
 */
final class SharedCounterHistory {

    private final String key;
    private final Consumer<Violation> violations;
    private final Map<String, BitSet> answersByClient = new TreeMap<>();
    private final Set<String> disavowed = new HashSet<>();
    private int asked;

    SharedCounterHistory(String key, Consumer<Violation> violations) {
        this.key = key;
        this.violations = violations;
    }

    String key() {
        return key;
    }

    synchronized void asked() {
        asked++;
    }

    synchronized void answered(String client, long value) {
        if (value < 1 || value > Integer.MAX_VALUE) {
            violations.accept(new Violation(Kind.GARBLED, key, client + " was told " + value));
            return;
        }
        BitSet answers = answersOf(client);
        int last = answers.length() - 1;
        if (value <= last) {
            violations.accept(new Violation(Kind.LOST_WRITE, key, client + " was told " + value + " after " + last));
        }
        answers.set((int) value);
    }

    private BitSet answersOf(String client) {
        BitSet known = answersByClient.get(client);
        if (known != null) {
            return known;
        }
        BitSet none = new BitSet();
        answersByClient.put(client, none);
        return none;
    }

    /** What this client was told no longer binds the guest. */
    synchronized void disavow(String client) {
        disavowed.add(client);
    }

    /** The guest must have counted at least to the highest answer, no further than was asked for, and no value twice. */
    synchronized void compareWith(GuestState guest) {
        BitSet answers = new BitSet();
        answersByClient.forEach((client, own) -> {
            if (!disavowed.contains(client)) {
                reportWhatOthersWereTold(client, own, answers);
                answers.or(own);
            }
        });
        long value = guest.sharedCounter();
        long highest = answers.length() - 1L;
        if (value < highest) {
            violations.accept(
                    new Violation(Kind.LOST_WRITE, key, "the guest has " + value + ", but acknowledged " + highest));
        } else if (value > asked) {
            violations.accept(new Violation(
                    Kind.DUPLICATE, key, "the guest has " + value + ", but only " + asked + " were asked for"));
        }
    }

    private void reportWhatOthersWereTold(String client, BitSet own, BitSet others) {
        BitSet twice = (BitSet) own.clone();
        twice.and(others);
        twice.stream()
                .mapToObj(value ->
                        new Violation(Kind.DUPLICATE, key, client + " was told " + value + ", as another client was"))
                .forEach(violations);
    }
}
