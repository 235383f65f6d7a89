package io.holdfast.agent.role;

/**
 * Decides how often a checkpoint is restored until its guest is where its clients have seen it.
 *
 * <p>A connection that has diverged would be reset, and nothing in this attempt can save it. As long as nothing has left that
 * the clients had not seen before, the checkpoint can be restored once more, and the guest may do better when it gets its
 * input in another order. An attempt that can still come to its end is worth more than a further one that cannot.
 *
 * <p>Not thread-safe. Times are monotonic.
 */
public final class CatchUpAttempts {

    /** What to do now. */
    public enum Next {
        /** Let the guest go on, and ask again. */
        WAIT,
        /** Kill it, and restore the checkpoint once more. */
        RESTORE_AGAIN,
        /** It has had its time: reset what is late, and go live. */
        GIVE_UP_REST,
        /** All is decided: go live. */
        GO_LIVE
    }

    /** Of the whole time, a further attempt must find this part left. */
    private static final int SMALLEST_SHARE = 3;

    private final int limit;
    private final long budgetNanos;
    private int attempt;
    private long firstBeganNanos;
    private long beganNanos;

    /**
     * Before the first attempt.
     *
     * @param limit attempts, from 1
     * @param budgetNanos for all of them together
     */
    public CatchUpAttempts(int limit, long budgetNanos) {
        this.limit = limit;
        this.budgetNanos = budgetNanos;
    }

    /** The checkpoint is about to be restored. */
    public void onRestore(long nowNanos) {
        if (attempt == 0) {
            firstBeganNanos = nowNanos;
        }
        attempt++;
        beganNanos = nowNanos;
    }

    /**
     * The proxy has told how far the guest has come.
     *
     * @param decided whether every connection is where its client has seen it, or has diverged
     * @param improvable whether one has diverged, and a further attempt would be another one than those before
     */
    public Next next(boolean decided, boolean improvable, long nowNanos) {
        if (improvable && mayRestoreAgain(nowNanos)) {
            return Next.RESTORE_AGAIN;
        }
        if (decided) {
            return Next.GO_LIVE;
        }
        return nowNanos - firstBeganNanos > budgetNanos ? Next.GIVE_UP_REST : Next.WAIT;
    }

    /** The guest's hypervisor has died on the way: whether the checkpoint is restored once more, however late, or nobody serves. */
    public boolean mayReplaceDead() {
        return attempt < limit;
    }

    /** In another order the guest may need twice the time. */
    private boolean mayRestoreAgain(long nowNanos) {
        long neededNanos = Math.max(2 * (nowNanos - beganNanos), budgetNanos / SMALLEST_SHARE);
        long leftNanos = budgetNanos - (nowNanos - firstBeganNanos);
        return attempt < limit && neededNanos <= leftNanos;
    }

    /** Which one it is, from 1; 0 before the first. */
    public int attempt() {
        return attempt;
    }
}
