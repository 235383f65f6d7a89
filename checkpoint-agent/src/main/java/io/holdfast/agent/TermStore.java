package io.holdfast.agent;

import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFile;
import io.holdfast.control.TermFileException;
import io.holdfast.control.TermRecord;
import io.holdfast.wall.Term;
import java.nio.file.Path;
import java.util.Map;

/**
 * The term on disk, and whether a backup of it may promote: what an agent must know again after it was restarted.
 *
 * <p><b>Threads.</b> All methods may be called by any thread.
 */
final class TermStore {

    private static final String FILE_NAME = "agent-term";
    private static final String ARMED = "backup-armed";

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
        return Boolean.parseBoolean(file.properties().getOrDefault(ARMED, "false"));
    }

    /** Stores a higher term, of which no backup is armed yet. On disk when this returns. */
    void store(Term next) throws TermFileException, StaleTermException {
        write(next, false);
    }

    /** Stores that a backup of this term may promote from now on. On disk when this returns. */
    void storeArmed() throws TermFileException, StaleTermException {
        write(term(), true);
    }

    private void write(Term next, boolean armed) throws TermFileException, StaleTermException {
        file.store(
                new TermRecord(next.number(), WallLink.claim(next), next.owner(), false),
                Map.of(ARMED, Boolean.toString(armed)));
    }
}
