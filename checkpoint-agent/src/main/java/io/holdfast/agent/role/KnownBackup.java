package io.holdfast.agent.role;

/**
 * The backup as its primary knows it: which one is connected, which checkpoints it has, and which one may promote.
 *
 * <p>Not thread-safe.
 */
final class KnownBackup {

    private static final long NO_SESSION = 0;

    private long session = NO_SESSION;
    /** Of the one that is connected. */
    private String identity = "";

    private final CheckpointChain chain = new CheckpointChain();

    /** Whether some backup may promote. */
    private boolean armed;
    /** The identity of that one, if known. */
    private String armedIdentity;
    /** The session whose backup was told that it may. */
    private long armedSession = NO_SESSION;

    /**
     * Before the first connection.
     *
     * @param armed whether some backup may hold a checkpoint that it may promote; true when in doubt
     * @param armedIdentity of that one; empty if it is not known
     */
    KnownBackup(boolean armed, String armedIdentity) {
        this.armed = armed;
        this.armedIdentity = armedIdentity;
    }

    /** Whether one of that identity may come: no other one may promote. */
    boolean admits(String newIdentity) {
        return !armed || armedIdentity.isEmpty() || armedIdentity.equals(newIdentity);
    }

    /** It starts from a full checkpoint, whatever it had. */
    void onConnected(long newSession, String newIdentity) {
        session = newSession;
        identity = newIdentity;
        chain.breakOff();
    }

    void onDisconnected() {
        session = NO_SESSION;
        chain.breakOff();
    }

    /** The one that is connected has a checkpoint, and may be told to promote it: that is on disk. */
    void onArmed() {
        armed = true;
        armedIdentity = identity;
    }

    /** It is told that it may promote. */
    void onTold() {
        armedSession = session;
    }

    /** It has promised not to promote before it is armed again. */
    void onPromise() {
        armed = false;
        armedSession = NO_SESSION;
    }

    /** What it has is of no use, so that it must not promote; whether it has heard so is not known. */
    void onRevoked() {
        armedSession = NO_SESSION;
        chain.breakOff();
    }

    /** No backup of the new term was ever armed. */
    void onNewTerm() {
        armed = false;
        armedIdentity = "";
    }

    /** Zero if none is connected. */
    long session() {
        return session;
    }

    /** Whether that session goes on. Who was refused has none, and what it says counts for nobody. */
    boolean isOf(long theSession) {
        return isConnected() && theSession == session;
    }

    boolean isConnected() {
        return session != NO_SESSION;
    }

    /** The checkpoints that it has, or that are on their way to it. */
    CheckpointChain chain() {
        return chain;
    }

    /** Whether a checkpoint of what has changed is all that it needs. */
    boolean isReached() {
        return chain.reaches(session);
    }

    boolean isArmed() {
        return armed;
    }

    /** Of the one that is connected; empty if it has none. */
    String identity() {
        return identity;
    }

    /** Whether the one that is connected may take over; {@link #isArmed} may speak of one that was. */
    boolean mayTakeOver() {
        return session != NO_SESSION && armedSession == session;
    }

    /** Whether an armed one, out of sight, may have taken over. */
    boolean mayHaveTakenOver() {
        return armed && session == NO_SESSION;
    }
}
