package io.holdfast.wall;

import io.holdfast.wall.WallRefusal.Reason;
import java.util.OptionalLong;

/**
 * Decides which of the guest's frames may leave.
 *
 * <h2>The idea</h2>
 *
 * A backup that takes over resumes the guest at the newest checkpoint that it has. Whatever the guest told the world
 * after that checkpoint, the restored guest does not know. So nothing may be heard of a state that the backup does not
 * have: <i>output commit</i> (Strom and Yemini 1985; Remus, NSDI 2008).
 *
 * <p>The wall keeps this with three numbers. Every frame gets a <b>stamp</b> when it has been captured: the number of the
 * {@linkplain #openEpoch() open epoch}. A <b>barrier</b>, placed while the guest is paused, closes the open epoch and
 * opens the next. When the backup itself has confirmed the checkpoint that ends epoch <i>k</i>, a <b>commit</b> moves the
 * <b>frontier</b> to <i>k</i>, and frames whose stamp the frontier has reached may leave:
 *
 * <pre>
 *   stamps in the ring    7 7 7 8 8 8 8 8 9 9      open epoch 9
 *                         └───┘
 *   release frontier          7                    8 is closed, sent, not yet confirmed
 * </pre>
 *
 * A frame that is captured late, after the barrier, gets the later stamp and waits longer. The error is always towards
 * waiting: there is no way to get an earlier stamp than the epoch in which the frame was sent, because the stamp is read
 * after the kernel has delivered the frame, and the barrier comes before the guest runs again (INV-2).
 *
 * <p>All else that a wall can be, {@link WallState} says, is a position of two limits: {@link #releaseThrough()}, the
 * newest stamp that may leave, and {@link #discardThrough()}, the newest stamp that never may. PROTECTED has the frontier
 * as the first; ALONE has {@link Epoch#ALL}; CLOSED, SUSPENDED and SEALED have {@link Epoch#NONE}; CLOSED and SEALED have
 * {@link Epoch#ALL} as the second. The threads that move frames look at nothing else.
 *
 * <h2>Who may command</h2>
 *
 * One engine owns the wall, under a {@link Term}; a newer {@code hello} displaces it. Barrier and commit name the wall's
 * incarnation and the term, and a commit names an epoch that is already closed and a lease that has not run out, so that
 * neither a restarted proxy nor a deposed, delayed or repeated engine can open it (INV-7). Commits may repeat and skip
 * ahead; they never go back.
 *
 * <p>The right to be ALONE may have an end: a <b>lease</b>, which {@link #openUntil} states and renews. When it has run out the
 * term is over here, whether or not anybody is left to say so (INV-6). {@link #sealIfLeaseEnded} makes that the wall's
 * state; because it may come late in a process that was stopped, whoever sends frames asks {@link #isLeaseOver} as well, just
 * before.
 *
 * <p><b>Threads.</b> One thread gives the commands. {@link #openEpoch()}, {@link #releaseThrough()},
 * {@link #discardThrough()}, {@link #isLeaseOver} and {@link #state()} may be read by any thread. A reader that decides about a frame reads
 * {@code releaseThrough} <i>before</i> {@code discardThrough}: a wall that was sealed and owned anew in between then
 * still discards.
 */
public final class BufferWall {

    private static final long NO_OWNER = 0;

    /** A wall without one is ALONE for as long as its engine wants. */
    private static final OptionalLong NO_LEASE = OptionalLong.empty();

    private static final String LEASE_HAS_RUN_OUT = "the lease on which the guest served alone has run out";

    private final String incarnation;

    private volatile WallState state = WallState.CLOSED;
    private volatile long openEpoch = Epoch.FIRST;
    private volatile long releaseThrough = Epoch.NONE;
    private volatile long discardThrough = Epoch.ALL;

    /** Of the right to be ALONE; there is none in any other state. */
    private volatile OptionalLong leaseUntilNanos = NO_LEASE;

    private volatile boolean leaseEnded;

    private volatile Term term;
    private volatile long frontier = Epoch.NONE;
    private volatile long owner = NO_OWNER;
    private volatile String because = "started";

    /**
     * A closed wall.
     *
     * @param incarnation random, drawn anew at each start of the process
     * @param highestTerm the highest term that this host has ever seen, {@link Term#none()} if none
     * @param sealed whether that term was sealed here
     */
    public BufferWall(String incarnation, Term highestTerm, boolean sealed) {
        this.incarnation = incarnation;
        this.term = highestTerm;
        if (sealed) {
            state = WallState.SEALED;
            because = "sealed before this start";
        }
    }

    /** A wall that an earlier life has sealed because the lease on which it was ALONE had run out. */
    public static BufferWall sealedByLease(String incarnation, Term ended) {
        BufferWall wall = new BufferWall(incarnation, ended, true);
        wall.because = "sealed before this start: " + LEASE_HAS_RUN_OUT;
        wall.leaseEnded = true;
        return wall;
    }

    // ---- what the lanes read, for every frame ----

    /** The stamp for a frame that has just been captured. */
    public long openEpoch() {
        return openEpoch;
    }

    /** The newest stamp that may leave; {@link Epoch#NONE} if none may, {@link Epoch#ALL} if all may. */
    public long releaseThrough() {
        return releaseThrough;
    }

    /** The newest stamp that may never leave; wins over {@link #releaseThrough()}. */
    public long discardThrough() {
        return discardThrough;
    }

    /**
     * Whether the right by which everything leaves has run out. Then nothing may, although the limits do not say so yet. To be
     * asked once for each batch of frames, just before it is sent.
     */
    public boolean isLeaseOver(long nowNanos) {
        OptionalLong until = leaseUntilNanos;
        return until.isPresent() && nowNanos - until.getAsLong() > 0;
    }

    // ---- commands ----

    /**
     * Makes {@code newOwner} the wall's engine. What was captured so far is discarded if nobody has owned it, and if a
     * promotion begins here: then it is of a guest whose life is over. After that frames are held until the first commit.
     * Only an ALONE wall that is owned anew under the same term stays ALONE: the right to be so does not depend on the
     * engine's process.
     *
     * @param newOwner stands for the connection; not 0
     * @param claimed the term of the engine
     * @param openEpochAtLeast the open epoch's number will not be lower, so that numbers go on over restarts
     * @throws WallRefusal {@link Reason#STALE_TERM} if a higher term is known here, or this one was sealed
     */
    public void hello(long newOwner, Term claimed, long openEpochAtLeast) throws WallRefusal {
        if (claimed.isStaleAgainst(term)) {
            throw new WallRefusal(
                    Reason.STALE_TERM,
                    "term " + claimed + " is not newer than " + term
                            + ", which this wall has seen; take over by promotion");
        }
        boolean newTerm = claimed.compareTo(term) > 0;
        if (state == WallState.SEALED && !newTerm) {
            throw new WallRefusal(
                    Reason.STALE_TERM, "term " + term + " is sealed here; only a newer term can own this wall");
        }
        boolean staysAlone = state == WallState.ALONE && !newTerm;
        boolean discards = beginsAnew(claimed);
        owner = newOwner;
        term = claimed;
        leaseEnded = false;
        if (staysAlone) {
            openEpoch = Math.max(openEpoch, openEpochAtLeast);
            return;
        }
        enter(WallState.ARMING, Epoch.NONE, "owned by " + claimed);
        long captured = openEpoch;
        openEpoch = Math.max(captured + 1, openEpochAtLeast);
        if (discards) {
            discardThrough = captured;
        }
    }

    /** Whether a {@link #hello} under that term is of another guest's life than what has been captured so far. */
    public boolean beginsAnew(Term claimed) {
        boolean promotion = claimed.claim() == Term.Claim.PROMOTION && claimed.compareTo(term) > 0;
        return promotion || !state.admitsInput();
    }

    /**
     * Closes the open epoch. The guest must be paused and its output drained into the wall (INV-2).
     *
     * @return the number of the epoch that was closed; a commit of it lets its frames leave
     */
    public long barrier(long from, String incarnation, long termNumber) throws WallRefusal {
        requireOwner(from, incarnation, termNumber);
        requireUnsealed();
        long closed = openEpoch;
        openEpoch = closed + 1;
        if (state == WallState.ALONE) {
            // What was sent before the first barrier of an arming is ALONE's; what follows may be contradicted by a
            // backup that is armed with this checkpoint, so it waits.
            enter(WallState.ARMING, closed, "first checkpoint of a new backup");
        }
        return closed;
    }

    /**
     * Lets the frames of all epochs up to {@code epoch} leave: the backup has confirmed its checkpoint (INV-1).
     *
     * @param leaseUntilNanos monotonic time until which the engine may commit
     * @return the frontier, which is higher than {@code epoch} if that had been passed already
     */
    public long commit(long from, String incarnation, long termNumber, long epoch, long leaseUntilNanos, long nowNanos)
            throws WallRefusal {
        requireOwner(from, incarnation, termNumber);
        requireUnsealed();
        if (epoch >= openEpoch || epoch <= Epoch.NONE) {
            throw new WallRefusal(
                    Reason.EPOCH_NOT_CLOSED,
                    "epoch " + epoch + " is not closed; the newest closed epoch is " + (openEpoch - 1));
        }
        if (nowNanos - leaseUntilNanos > 0) {
            throw new WallRefusal(
                    Reason.LEASE_EXPIRED,
                    "the lease ran out " + (nowNanos - leaseUntilNanos) / 1_000 + " us before the commit of epoch "
                            + epoch);
        }
        if (state == WallState.ALONE) {
            return frontier;
        }
        frontier = Math.max(frontier, epoch);
        if (state != WallState.PROTECTED) {
            enter(WallState.PROTECTED, frontier, "epoch " + epoch + " is confirmed");
        } else {
            releaseThrough = frontier;
        }
        return frontier;
    }

    /** The backup is lost: nothing leaves until a commit or {@link #open}. */
    public void suspend(long from, String incarnation, long termNumber, String reason) throws WallRefusal {
        requireOwner(from, incarnation, termNumber);
        requireUnsealed();
        enter(WallState.SUSPENDED, Epoch.NONE, reason);
    }

    /**
     * Lets everything leave at once (ALONE). The engine has the right to: it was just promoted, no backup of this term
     * was ever armed, or the arbiter or the operator gave it (INV-6). The right does not end by itself.
     */
    public void open(long from, String incarnation, long termNumber, String reason) throws WallRefusal {
        requireOwner(from, incarnation, termNumber);
        requireUnsealed();
        leaseUntilNanos = NO_LEASE;
        enter(WallState.ALONE, Epoch.ALL, reason);
    }

    /**
     * The same by a right that ends by itself. To open again renews it.
     *
     * @param untilNanos monotonic time until which the right lasts
     * @throws WallRefusal {@link Reason#LEASE_EXPIRED} if that is over
     */
    public void openUntil(long from, String incarnation, long termNumber, String reason, long untilNanos, long nowNanos)
            throws WallRefusal {
        requireOwner(from, incarnation, termNumber);
        sealIfLeaseEnded(nowNanos);
        requireUnsealed();
        if (nowNanos - untilNanos > 0) {
            throw new WallRefusal(
                    Reason.LEASE_EXPIRED,
                    "the lease ran out " + (nowNanos - untilNanos) / 1_000 + " us before the wall was opened");
        }
        leaseUntilNanos = OptionalLong.of(untilNanos); // Before anything may leave by it.
        enter(WallState.ALONE, Epoch.ALL, reason);
    }

    /**
     * Ends the term here if the lease on which the wall is ALONE has run out.
     *
     * @return whether it has just done so
     */
    public boolean sealIfLeaseEnded(long nowNanos) {
        if (!isLeaseOver(nowNanos)) {
            return false;
        }
        seal(term, LEASE_HAS_RUN_OUT);
        leaseEnded = true;
        return true;
    }

    /**
     * Whether it is sealed because a lease had run out. It stays so if somebody seals the same term once more: an engine that is
     * there says the same.
     */
    public boolean isSealedByLease() {
        return leaseEnded;
    }

    /** How long the right to be ALONE lasts without being renewed, not negative; empty if it does not end by itself. */
    public OptionalLong leaseLeftNanos(long nowNanos) {
        OptionalLong until = leaseUntilNanos;
        return until.isPresent() ? OptionalLong.of(Math.max(0, until.getAsLong() - nowNanos)) : until;
    }

    /** Makes all that was captured so far never leave, without a change of state. */
    public void discard(long from, String incarnation, long termNumber) throws WallRefusal {
        requireOwner(from, incarnation, termNumber);
        requireUnsealed();
        long captured = openEpoch;
        openEpoch = captured + 1;
        discardThrough = captured;
    }

    /**
     * Ends a term here for good. Needs no ownership: closing is always safe.
     *
     * @param sealed the term that is over, or a newer one that ends it
     */
    public void seal(Term sealed, String reason) {
        if (sealed.compareTo(term) > 0) {
            leaseEnded = false;
        }
        if (sealed.compareTo(term) >= 0) {
            term = sealed;
        }
        releaseThrough = Epoch.NONE;
        discardThrough = Epoch.ALL;
        state = WallState.SEALED;
        because = reason;
        owner = NO_OWNER;
        leaseUntilNanos = NO_LEASE; // After the limits: whoever asks for the lease now meets them.
    }

    /** The owner's connection is gone. Nothing is released for it any more; ALONE goes on (INV-6). */
    public void ownerLost(long lost) {
        if (owner != lost) {
            return;
        }
        owner = NO_OWNER;
        if (state == WallState.PROTECTED || state == WallState.ARMING) {
            enter(WallState.SUSPENDED, Epoch.NONE, "the engine's connection is lost");
        }
    }

    /**
     * For commands that are not the wall's own.
     *
     * @throws WallRefusal if the speaker does not own this wall, in this life of it, under this term
     */
    public void requireOwner(long from, String claimedIncarnation, long termNumber) throws WallRefusal {
        if (!incarnation.equals(claimedIncarnation)) {
            throw new WallRefusal(
                    Reason.WRONG_INCARNATION,
                    "this wall's incarnation is " + incarnation + ", not " + claimedIncarnation
                            + "; the proxy has restarted: say hello again");
        }
        if (termNumber != term.number()) {
            throw new WallRefusal(
                    Reason.STALE_TERM, "the command is of term " + termNumber + ", this wall of term " + term);
        }
        if (owner == NO_OWNER || owner != from) {
            throw new WallRefusal(Reason.NOT_OWNER, "another engine owns this wall, or none does; say hello first");
        }
    }

    // ---- what others may know ----

    public WallState state() {
        return state;
    }

    /** Why the wall is in its state, for people. */
    public String because() {
        return because;
    }

    public String incarnation() {
        return incarnation;
    }

    /** The highest term seen. */
    public Term term() {
        return term;
    }

    /** The newest confirmed epoch that was committed here. */
    public long frontier() {
        return frontier;
    }

    public boolean isOwned() {
        return owner != NO_OWNER;
    }

    private void enter(WallState next, long nextReleaseThrough, String reason) {
        // Closing limits are set before, opening ones after the state is visible; a reader of both never sees a wall
        // that is more open than its name.
        if (nextReleaseThrough < releaseThrough) {
            releaseThrough = nextReleaseThrough;
        }
        state = next;
        because = reason;
        releaseThrough = nextReleaseThrough;
        if (next != WallState.ALONE) {
            leaseUntilNanos = NO_LEASE;
        }
    }

    private void requireUnsealed() throws WallRefusal {
        if (state == WallState.SEALED) {
            throw new WallRefusal(Reason.WRONG_STATE, "the wall is sealed: " + because);
        }
    }
}
