package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.function.Consumer;

/**
 * What the only client of one counter was told: each answer must be exactly the one before plus one.
 *
 * <p>Not thread-safe: used by one client, and by the comparison after that client has ended.
 */
final class CounterHistory {

    private final String key;
    private final Consumer<Violation> violations;
    private long acknowledged;
    private int outstanding;
    private boolean disavowed;

    CounterHistory(String key, Consumer<Violation> violations) {
        this.key = key;
        this.violations = violations;
    }

    String key() {
        return key;
    }

    void asked() {
        outstanding++;
    }

    void answered(long value) {
        outstanding--;
        if (value != acknowledged + 1) {
            violations.accept(new Violation(
                    value <= acknowledged ? Kind.LOST_WRITE : Kind.CONTRADICTED_REPLY,
                    key,
                    "answer " + value + " came after answer " + acknowledged));
        }
        // From here on the guest's new count is the measure, so that one fault is reported once.
        acknowledged = value;
    }

    /** What the client was told no longer binds the guest. */
    void disavow() {
        disavowed = true;
    }

    /** An increment that was asked for and not answered may or may not have happened; all others must have. */
    void compareWith(GuestState guest) {
        if (disavowed) {
            return;
        }
        long value = guest.counter(key);
        if (value < acknowledged) {
            violations.accept(new Violation(
                    Kind.LOST_WRITE, key, "the guest has " + value + ", but acknowledged " + acknowledged));
        } else if (value > acknowledged + outstanding) {
            violations.accept(new Violation(
                    Kind.DUPLICATE,
                    key,
                    "the guest has " + value + ", but only " + acknowledged + " were acknowledged and " + outstanding
                            + " are open"));
        }
    }
}
