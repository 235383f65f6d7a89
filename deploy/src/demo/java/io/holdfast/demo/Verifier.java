package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Judges whether the guest has kept its word: keeps what every client was told, finds what contradicts itself at once,
 * and in the end compares all of it with the guest's state. Pure: it knows no connection and no clock.
 *
 * <p>Thread-safe, except that each {@link CounterHistory} belongs to one client and that {@link #compareWith} is called
 * when all clients have ended.
 */
final class Verifier {

    private final Consumer<Violation> listener;
    private final List<Violation> violations = new ArrayList<>();
    private final List<CounterHistory> counters = new ArrayList<>();
    private final TokenHistory tokens;
    private final SharedCounterHistory sharedCounter;
    private final StreamHistory stream;

    /**
     * @param prefix begins every key and channel, so that several workloads can share a guest
     * @param listener is told every violation when it is found, by the thread that finds it
     */
    Verifier(String prefix, Consumer<Violation> listener) {
        this.listener = listener;
        this.tokens = new TokenHistory(prefix + "tokens", this::report);
        this.sharedCounter = new SharedCounterHistory(prefix + "shared", this::report);
        this.stream = new StreamHistory(prefix + "stream", this::report);
    }

    /** A counter for one client alone; all of them are made before the clients start. */
    CounterHistory newCounter(String key) {
        CounterHistory counter = new CounterHistory(key, this::report);
        counters.add(counter);
        return counter;
    }

    List<CounterHistory> counters() {
        return List.copyOf(counters);
    }

    TokenHistory tokens() {
        return tokens;
    }

    SharedCounterHistory sharedCounter() {
        return sharedCounter;
    }

    StreamHistory stream() {
        return stream;
    }

    /** A client could not make sense of the bytes that it got. */
    void garbled(String client, String detail) {
        report(new Violation(Kind.GARBLED, client, detail));
    }

    /** @param subscriberSurvived whether the stream's end can be judged, or ended with its connection */
    void compareWith(GuestState guest, boolean subscriberSurvived) {
        counters.forEach(counter -> counter.compareWith(guest));
        tokens.compareWith(guest);
        sharedCounter.compareWith(guest);
        if (subscriberSurvived) {
            stream.compareWithEnd();
        }
    }

    List<Violation> violations() {
        synchronized (violations) {
            return List.copyOf(violations);
        }
    }

    private void report(Violation violation) {
        synchronized (violations) {
            violations.add(violation);
        }
        listener.accept(violation);
    }
}
