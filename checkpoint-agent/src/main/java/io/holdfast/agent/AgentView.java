package io.holdfast.agent;

/**
 * What others may know of an agent at a moment, put together by the conductor.
 *
 * @param role {@code primary} or {@code backup}
 * @param epoch the newest that was closed here, or confirmed here
 * @param peerConnected whether the other host's agent takes part
 * @param ready whether the guest would survive the loss of its host, as far as this agent knows
 * @param because why, or why not
 * @param waitsFor what the arbiter or the fence still has to say; empty if nothing waits for it
 * @param leaseSeconds how long the guest may serve alone without another word of the arbiter's; 0 if it serves on no lease
 */
record AgentView(
        String role,
        long term,
        long epoch,
        boolean peerConnected,
        boolean ready,
        String because,
        String waitsFor,
        double leaseSeconds) {}
