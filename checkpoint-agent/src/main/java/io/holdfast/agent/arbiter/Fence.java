package io.holdfast.agent.arbiter;

import io.holdfast.wall.Term;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A command that makes certain that the primary's host is gone, such as one that switches its power off (STONITH). Exit code 0 is
 * proof; anything else, and a run that takes too long, is none.
 *
 * <p>It is told by its environment: {@code HOLDFAST_GUEST}, {@code HOLDFAST_HOST} (this one), {@code HOLDFAST_PEER} and {@code
 * HOLDFAST_PEER_ADDRESS} (the one to fence), {@code HOLDFAST_TERM} (the number of its term).
 *
 * <p><b>Threads.</b> {@link #run} may be called by any thread and does not block; runs follow each other.
 */
public final class Fence implements AutoCloseable {

    private final Pair pair;
    private final BoundedCommand command;
    private final QuestionThread thread = new QuestionThread("fence");

    public Fence(List<String> command, Duration limit, Pair pair) {
        this.pair = pair;
        this.command = new BoundedCommand(command, limit);
    }

    /**
     * Runs it once.
     *
     * @param primary the term of the host to fence
     * @param onEnd hears why there is no proof, or an empty text if there is; on a thread of its own
     */
    public void run(Term primary, Consumer<String> onEnd) {
        thread.ask(() -> fence(primary), trouble -> trouble, onEnd);
    }

    private String fence(Term primary) {
        Map<String, String> environment = pair.environment(primary.owner());
        environment.put("HOLDFAST_TERM", Long.toString(primary.number()));
        BoundedCommand.Result result = command.run(environment);
        if (result.exitCode().isEmpty()) {
            return result.trouble();
        }
        int exitCode = result.exitCode().getAsInt();
        return exitCode == 0 ? "" : "exit code " + exitCode;
    }

    @Override
    public void close() {
        thread.close();
    }
}
