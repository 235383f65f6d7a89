package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.cli.Schemas;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlEvent;
import io.holdfast.control.ControlListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.assertj.core.api.Assertions;

/** A replication engine without a guest: what it says to the wall is up to the test, and what it hears has to be as published. */
public final class Engine implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LEASE_NANOS = 5_000_000_000L;

    private final ControlClient client;
    private final List<ControlEvent> events = new CopyOnWriteArrayList<>();
    private String incarnation = "";
    private long term;

    public Engine(Path socket) throws IOException {
        client = ControlClient.connect(socket, Duration.ofSeconds(10), new ControlListener() {
            @Override
            public void onEvent(ControlEvent event) {
                events.add(event);
            }
        });
    }

    public JsonNode hello(long newTerm) throws CommandException, IOException {
        return hello(newTerm, "");
    }

    /** @param more further arguments as JSON, such as {@code , "bound": false} */
    public JsonNode hello(long newTerm, String more) throws CommandException, IOException {
        JsonNode answer = execute("hello", """
                {"term": %d, "claim": "promotion", "owner": "a"%s}""".formatted(newTerm, more));
        incarnation = answer.path("incarnation").asText();
        term = newTerm;
        return answer;
    }

    public long barrier() throws CommandException, IOException {
        return wallCommand("barrier").path("epoch").asLong();
    }

    public long commit(long epoch) throws CommandException, IOException {
        return commit(incarnation, term, epoch, System.nanoTime() + LEASE_NANOS);
    }

    public long commit(String ofIncarnation, long ofTerm, long epoch, long leaseUntilNanos)
            throws CommandException, IOException {
        return execute("commit", """
                {"incarnation": "%s", "term": %d, "epoch": %d, "lease_until_nanos": %d}""".formatted(ofIncarnation, ofTerm, epoch, leaseUntilNanos))
                .path("frontier")
                .asLong();
    }

    /** A command that names incarnation and term. */
    public JsonNode wallCommand(String command) throws CommandException, IOException {
        return wallCommand(command, "");
    }

    public JsonNode wallCommand(String command, String more) throws CommandException, IOException {
        return execute(command, """
                {"incarnation": "%s", "term": %d%s}""".formatted(incarnation, term, more));
    }

    public JsonNode status() throws CommandException, IOException {
        return execute("status", "{}");
    }

    public JsonNode execute(String command, String arguments) throws CommandException, IOException {
        ObjectNode given = (ObjectNode) JSON.readTree(arguments);
        try {
            JsonNode answer = client.execute(command, given);
            Schemas.assertExchange("proxy", command, given, answer);
            return answer;
        } catch (CommandException refusal) {
            Schemas.assertErrorClass(refusal.errorClass());
            throw refusal;
        }
    }

    /** What an earlier hello has told, for one who speaks in the name of it later. */
    public void pretend(Engine other) {
        incarnation = other.incarnation;
        term = other.term;
    }

    public String incarnation() {
        return incarnation;
    }

    public List<ControlEvent> events() {
        return events;
    }

    interface Attempt {
        void run() throws CommandException, IOException;
    }

    static void assertRefused(String errorClass, Attempt attempt) {
        Assertions.assertThatThrownBy(attempt::run)
                .isInstanceOfSatisfying(
                        CommandException.class,
                        refusal -> Assertions.assertThat(refusal.errorClass()).isEqualTo(errorClass));
    }

    @Override
    public void close() {
        client.close();
        events.forEach(Schemas::assertEvent);
    }
}
