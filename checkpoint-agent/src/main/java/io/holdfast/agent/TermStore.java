package io.holdfast.agent;

import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFile;
import io.holdfast.control.TermFileException;
import io.holdfast.control.TermRecord;
import io.holdfast.wall.Term;
import java.nio.file.Path;
import java.util.Map;

/**
 * What an agent must know again after it was restarted: the term, whether a backup of it may promote, and which proxy has the
 * uplink under it. All of it is replaced at once, so that no term is ever addressed to the wrong wall.
 *
 * <p><b>Threads.</b> All methods may be called by any thread.
 */
final class TermStore {

    /** That the uplink was never taken under a term in which connections became unknown. */
    static final long NEVER = 0;

    private static final String FILE_NAME = "agent-term";
    private static final String ARMED = "backup-armed";
    private static final String RELINQUISHED = "backup-relinquished";
    private static final String RESTORED = "guest-restored";
    private static final String TAKEN = "uplink-taken";
    private static final String UNKNOWN_SINCE = "numbering-lost-in";

    private final TermFile file;

    private TermStore(TermFile file) {
        this.file = file;
    }

    static TermStore open(Path stateDirectory) throws TermFileException {
        return new TermStore(TermFile.open(stateDirectory.resolve(FILE_NAME)));
    }

    /** The highest term that this host has seen; {@link Term#none()} before the first. */
    Term term() {
        return file.term()
                .map(stored -> new Term(stored.number(), WallLink.claim(stored.claim()), stored.owner()))
                .orElse(Term.none());
    }

    /** Whether a backup of this term was ever told that it may promote. */
    boolean isBackupArmed() {
        return Boolean.parseBoolean(property(ARMED, "false"));
    }

    /** Whether a backup that was armed has promised not to promote, and none was armed since. */
    boolean isRelinquished() {
        return Boolean.parseBoolean(property(RELINQUISHED, "false"));
    }

    /** Whether this host's proxy has taken the uplink from the peer's, whatever the configuration says. */
    boolean isUplinkTaken() {
        return Boolean.parseBoolean(property(TAKEN, "false"));
    }

    /**
     * Whether the guest may have been restored from a checkpoint since it was started, so that its connections may have other
     * numbers than their clients know.
     */
    boolean isGuestRestored() {
        return Boolean.parseBoolean(property(RESTORED, "true"));
    }

    /**
     * The number of the term under which the uplink was taken from a proxy that alone knew how connections were numbered, or
     * {@link #NEVER}.
     */
    long numberingLostIn() {
        return Long.parseLong(property(UNKNOWN_SINCE, "0"));
    }

    /** Stores the term of a guest that is started for the first time. On disk when this returns. */
    synchronized void storeFirst(Term first) throws TermFileException, StaleTermException {
        write(first, false, false, false, false, NEVER);
    }

    /** Stores a higher term, of which no backup is armed yet. On disk when this returns. */
    synchronized void store(Term next) throws TermFileException, StaleTermException {
        write(next, false, false, isRestoredUnder(next), isUplinkTaken(), numberingLostIn());
    }

    /** Stores that a backup of this term may promote from now on. On disk when this returns. */
    synchronized void storeArmed() throws TermFileException, StaleTermException {
        write(term(), true, false, isGuestRestored(), isUplinkTaken(), numberingLostIn());
    }

    /** Stores that no backup of this term may promote, by its own promise. On disk when this returns. */
    synchronized void storeRelinquished() throws TermFileException, StaleTermException {
        write(term(), false, true, isGuestRestored(), isUplinkTaken(), numberingLostIn());
    }

    /**
     * Stores a term, the newest or a higher one, under which this host's proxy has the uplink. On disk when this returns.
     *
     * <p>Whoever was restored behind the other proxy is unknown to this one (INV-12).
     */
    synchronized void storeTaken(Term under) throws TermFileException, StaleTermException {
        boolean restored = isRestoredUnder(under);
        write(under, false, false, restored, true, restored ? under.number() : NEVER);
    }

    /** Stores that the peer's proxy has the uplink again, for a guest that is restored behind it. */
    synchronized void storeGivenBack() throws TermFileException, StaleTermException {
        write(term(), isBackupArmed(), isRelinquished(), true, false, NEVER);
    }

    /** Of a guest that goes on alone nothing changes; that of a promotion is restored. */
    private boolean isRestoredUnder(Term next) {
        return isGuestRestored() || next.claim() == Term.Claim.PROMOTION;
    }

    private String property(String name, String otherwise) {
        return file.properties().getOrDefault(name, otherwise);
    }

    private void write(
            Term next, boolean armed, boolean relinquished, boolean restored, boolean taken, long numberingLostIn)
            throws TermFileException, StaleTermException {
        file.store(
                new TermRecord(next.number(), WallLink.claim(next), next.owner(), false),
                Map.of(
                        ARMED, Boolean.toString(armed),
                        RELINQUISHED, Boolean.toString(relinquished),
                        RESTORED, Boolean.toString(restored),
                        TAKEN, Boolean.toString(taken),
                        UNKNOWN_SINCE, Long.toString(numberingLostIn)));
    }
}
