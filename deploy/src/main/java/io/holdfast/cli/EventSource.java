package io.holdfast.cli;

import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlEvent;
import io.holdfast.control.ControlListener;
import io.holdfast.control.ControlUnavailableException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * Listens to the events of one control socket, and connects again when the process behind it has restarted; that is told as
 * well. The sink is called on threads of this class.
 */
final class EventSource implements AutoCloseable {

    private static final Duration BETWEEN_ATTEMPTS = Duration.ofMillis(200);

    private final String by;
    private final Path socket;
    private final Consumer<Happening> sink;
    private final Thread thread;
    private String told = "";

    private EventSource(String by, Path socket, Consumer<Happening> sink) {
        this.by = by;
        this.socket = socket;
        this.sink = sink;
        this.thread = Thread.ofPlatform().name(by + "-events").daemon().unstarted(this::run);
    }

    /** @param by what the process behind the socket is called */
    static EventSource listen(String by, Path socket, Consumer<Happening> sink) {
        EventSource source = new EventSource(by, socket, sink);
        source.thread.start();
        return source;
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            tell("disconnected", "reason", listenUntilTheEnd());
            try {
                Thread.sleep(BETWEEN_ATTEMPTS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Returns why it has ended, or has not begun. */
    private String listenUntilTheEnd() {
        CompletableFuture<String> end = new CompletableFuture<>();
        try (ControlClient client = ControlClient.connect(socket, AskingCommand.PATIENCE, new ControlListener() {
            @Override
            public void onEvent(ControlEvent event) {
                sink.accept(Happening.of(by, event));
            }

            @Override
            public void onDisconnect(String reason) {
                end.complete(reason);
            }
        })) {
            client.execute("subscribe", AskingCommand.arguments());
            tell("connected", "version", client.greeting().path("version").asText());
            return end.get();
        } catch (ControlUnavailableException | CommandException e) {
            return String.valueOf(e.getMessage());
        } catch (ExecutionException e) {
            throw new IllegalStateException("nothing completes it so", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    /** Not the same again at each attempt. */
    private void tell(String event, String field, String value) {
        if (!event.equals(told) && !Thread.currentThread().isInterrupted()) {
            told = event;
            sink.accept(new Happening(
                    Instant.now(), by, event, AskingCommand.arguments().put(field, value)));
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
