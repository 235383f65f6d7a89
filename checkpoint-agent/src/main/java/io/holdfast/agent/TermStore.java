package io.holdfast.agent;

import io.holdfast.wall.Term;
import java.io.IOException;

/** The term on disk, and whether a backup of it may promote: what an agent must know again after it was restarted. */
interface TermStore {

    /** The highest term that this host has seen; {@link Term#none()} before the first. */
    Term term();

    /** Whether a backup of this term was ever told that it may promote. */
    boolean isBackupArmed();

    /** Stores a higher term, of which no backup is armed yet. On disk when this returns. */
    void store(Term term) throws IOException;

    /** Stores that a backup of this term may promote from now on. On disk when this returns. */
    void storeArmed() throws IOException;
}
