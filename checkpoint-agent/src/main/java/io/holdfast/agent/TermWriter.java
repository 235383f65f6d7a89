package io.holdfast.agent;

import io.holdfast.agent.role.BackupRole;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Term;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes to disk what a backup decides about its term, before it acts on it.
 *
 * <p><b>Threads.</b> The conductor, on which all that is given here is called; the engine thread waits for the disk, behind
 * what it does for the guest.
 */
final class TermWriter {

    private static final Logger log = LoggerFactory.getLogger(TermWriter.class);

    private static final long FORGO_RETRY_MILLIS = 1_000;

    private final TermStore terms;
    private final Conductor conductor;
    private final BackupRole role;
    private final Worker engineThread;

    /** @param role is asked only */
    TermWriter(AgentContext context, BackupRole role, Worker engineThread) {
        this.terms = context.terms();
        this.conductor = context.conductor();
        this.role = role;
        this.engineThread = engineThread;
    }

    private interface Storing {
        void store() throws TermFileException, StaleTermException;
    }

    /** @param onFailure hears why it cannot be written */
    void store(Term term, Runnable onStored, Consumer<String> onFailure) {
        storeOrTell(() -> terms.store(term), onStored, onFailure);
    }

    /** The same of a term under which no guest has run yet. */
    void storeClaimed(Term term, Runnable onStored, Consumer<String> onFailure) {
        storeOrTell(() -> terms.storeClaimed(term), onStored, onFailure);
    }

    /** The same of that the guest may run here. */
    void storeServiceBegun(Runnable onStored, Consumer<String> onFailure) {
        storeOrTell(terms::storeServiceBegun, onStored, onFailure);
    }

    private void storeOrTell(Storing storing, Runnable onStored, Consumer<String> onFailure) {
        engineThread.run(() -> {
            try {
                storing.store();
                conductor.post(onStored);
            } catch (TermFileException | StaleTermException e) {
                conductor.post(() -> onFailure.accept(String.valueOf(e.getMessage())));
            }
        });
    }

    /** That the guest never runs here under this term; tries until it is written, first before this returns. */
    void storeForgone(Runnable onStored) {
        try {
            terms.storeForgone();
        } catch (TermFileException | StaleTermException e) {
            log.error("cannot write that term {} is forgone: {}", role.term(), e.getMessage());
            conductor.postAfter(FORGO_RETRY_MILLIS, () -> storeForgone(onStored));
            return;
        }
        onStored.run();
    }
}
