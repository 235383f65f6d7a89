package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Judges whether the guest has kept its word: keeps what every client was told, finds what contradicts itself at once,
 * and in the end compares all of it with the guest's state. Pure: it knows no connection and no clock.
 *
 * <p>Thread-safe, except that each {@link CounterHistory} and {@link RandomHistory} belongs to one client and that {@link #compareWith} is called
 * when all clients have ended.
 */
final class Verifier {

    private final String prefix;
    private final Consumer<Violation> listener;
    private final List<Violation> violations = new ArrayList<>();
    private final List<CounterHistory> counters = new ArrayList<>();
    private final List<TokenHistory> lists = new ArrayList<>();
    private final TokenHistory tokens;
    private final SharedCounterHistory sharedCounter;
    private final StreamHistory stream;

    /**
     * @param prefix begins every key and channel, so that several workloads can share a guest
     * @param listener is told every violation when it is found, by the thread that finds it
     */
    Verifier(String prefix, Consumer<Violation> listener) {
        this.prefix = prefix;
        this.listener = listener;
        this.tokens = newTokens(prefix + "tokens");
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

    /** A list for one client alone; all of them are made before the clients start. */
    TokenHistory newTokens(String key) {
        TokenHistory list = new TokenHistory(key, this::report);
        lists.add(list);
        return list;
    }

    /** Those for one client alone, and {@link #tokens()}. */
    List<TokenHistory> lists() {
        return List.copyOf(lists);
    }

    /** The list that several clients append to. */
    TokenHistory tokens() {
        return tokens;
    }

    /** For a client of the random service; the guest keeps nothing of it that could be compared in the end. */
    RandomHistory newRandom(String client) {
        return new RandomHistory(client, this::report);
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

    /**
     * The guest no longer stands by what it has told a client. To be said when the client has ended, before
     * {@link #compareWith}; what contradicted itself while it lived has been found already.
     */
    void disavow(String client) {
        counters.stream()
                .filter(counter -> counter.key().equals(prefix + client))
                .forEach(CounterHistory::disavow);
        lists.forEach(list -> list.disavow(client));
        sharedCounter.disavow(client);
        if (client.equals(Crowd.PUBLISHER)) {
            stream.disavow();
        }
    }

    /** @param subscriberSurvived whether the stream's end can be judged, or ended with its connection */
    void compareWith(GuestState guest, boolean subscriberSurvived) {
        counters.forEach(counter -> counter.compareWith(guest));
        lists.forEach(list -> list.compareWith(guest));
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
