package io.holdfast.agent.arbiter;

import java.util.function.Consumer;

/**
 * A third party that says which of two hosts may own the guest.
 *
 * <p><b>Threads.</b> {@link #claim} may be called by any thread and does not block. Answers come on a thread of the arbiter's.
 */
public interface Arbiter extends AutoCloseable {

    /**
     * Asks once. Claims of one arbiter object are decided in the order in which they were made.
     *
     * @param onVerdict called exactly once, within a bounded time; never if the arbiter is closed before
     */
    void claim(Claim claim, Consumer<Verdict> onVerdict);

    /** What it is, for people: {@code etcd} or {@code exec}. */
    String kind();

    /** Ends what is under way. Does not give back what was granted. */
    @Override
    void close();
}
