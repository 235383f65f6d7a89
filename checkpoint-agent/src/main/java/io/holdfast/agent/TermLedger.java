package io.holdfast.agent;

import io.holdfast.audit.AuditEvent;
import io.holdfast.control.CommandException;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Term;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes down what becomes of a primary's term: on disk, so that it outlives the agent (INV-7), and in the audit log.
 *
 * <p>Confined to the conductor.
 */
final class TermLedger {

    private static final Logger log = LoggerFactory.getLogger(TermLedger.class);

    private final AgentContext context;
    private final Supplier<Term> term;
    private String refusal = "";

    /** @param term that of this primary */
    TermLedger(AgentContext context, Supplier<Term> term) {
        this.context = context;
        this.term = term;
    }

    /** Whether a newer term is on disk. */
    boolean store(Term newer) {
        try {
            context.terms().store(newer);
            return true;
        } catch (TermFileException | StaleTermException e) {
            log.error("cannot write term {}: {}", newer, e.getMessage());
            return false;
        }
    }

    /**
     * The same for an operator who lets this host go on alone, and who may take the uplink with it.
     *
     * @throws CommandException if it is not on disk; then nothing has changed
     */
    void storeAsked(Term alone) throws CommandException {
        try {
            if (context.uplink().mayBeTaken()) { // The guest's only way was through the dead host's proxy.
                context.uplink().take(alone);
            } else {
                context.terms().store(alone);
            }
        } catch (TermFileException | StaleTermException e) {
            throw new CommandException("CannotStoreTerm", "the term cannot be written to disk: " + e.getMessage());
        }
    }

    void noteAlone(Term alone, String reason) {
        context.audit().note(AuditEvent.ALONE, alone, "going alone, by " + reason);
    }

    /** Once: whoever is refused comes again and again. */
    void noteRefusal(String reason) {
        if (!reason.equals(refusal)) {
            refusal = reason;
            context.audit().note(AuditEvent.BACKUP_REFUSED, term.get(), reason);
        }
    }

    /**
     * Writes that the backup of that identity may promote.
     *
     * @return why it is not certainly on disk; empty if it is
     */
    String storeArmed(String backup) {
        try {
            context.terms().storeArmed(backup);
            return "";
        } catch (TermFileException | StaleTermException e) {
            String trouble = "host %s cannot write to its disk that the backup may take over: %s"
                    .formatted(context.config().host(), e.getMessage());
            log.error("{}", trouble);
            return trouble;
        }
    }

    /** The backup's word; without it on disk a restarted agent holds back what might leave, which is safe. */
    void relinquish(String reason) {
        context.audit().note(AuditEvent.RELINQUISHED, term.get(), "going on alone: " + reason);
        try {
            context.terms().storeRelinquished();
        } catch (TermFileException | StaleTermException e) {
            log.error("cannot write that the backup has relinquished: {}", e.getMessage());
        }
    }

    void noteSwitchoverAsked(String reason) {
        context.audit().note(AuditEvent.SWITCHOVER, term.get(), "handing over to the backup: " + reason);
    }

    /** @param pausedNanos when the guest was paused for it */
    void noteSwitchover(Term newer, long pausedNanos) {
        AgentMeasures measures = context.measures();
        measures.switchovers.increment();
        measures.switchoverNanos = System.nanoTime() - pausedNanos;
        context.audit()
                .note(
                        AuditEvent.SWITCHOVER,
                        newer,
                        "host %s has the guest, which stood still for %d ms at most"
                                .formatted(newer.owner(), measures.switchoverNanos / 1_000_000));
    }

    void noteSteppingDown(Term newer, String reason) {
        context.audit().note(AuditEvent.STEPPED_DOWN, newer, "stepping down: " + reason);
    }

    /** The operator's word; if it is not on disk, nothing has changed. */
    void forgo(String reason) throws TermFileException, StaleTermException {
        context.terms().storeForgone();
        context.audit()
                .note(
                        AuditEvent.TERM_FORGONE,
                        term.get(),
                        "the operator gives up this host's guest, and what its clients have seen: " + reason);
    }
}
