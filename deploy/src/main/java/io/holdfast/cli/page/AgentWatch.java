package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlUnavailableException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Asks the agent of this host for its status, over its control socket as everybody does. {@link #ask} is for one thread, which
 * may have to wait; {@link #word} is for any.
 */
final class AgentWatch implements AutoCloseable {

    /** An agent that decides about a promotion may have no time for less. */
    private static final Duration PATIENCE = Duration.ofMillis(1_500);

    private final Path socket;
    private @Nullable ControlClient client;
    private volatile AgentWord word = AgentWord.unasked();

    AgentWatch(Path socket) {
        this.socket = socket;
    }

    /** The newest that is known. */
    AgentWord word() {
        return word;
    }

    /** Asks once, within two times the patience. */
    void ask() {
        try {
            ControlClient open = client;
            if (open == null) {
                open = ControlClient.connect(socket, PATIENCE);
                client = open;
            }
            word = word.answered(open.execute("status", JsonNodeFactory.instance.objectNode()), System.nanoTime());
        } catch (CommandException e) {
            word = word.failed(String.valueOf(e.getMessage()));
        } catch (ControlUnavailableException e) {
            word = word.failed(String.valueOf(e.getMessage()));
            close();
        }
    }

    /** The next question makes a new connection. */
    @Override
    public void close() {
        ControlClient open = client;
        if (open != null) {
            open.close();
            client = null;
        }
    }
}
