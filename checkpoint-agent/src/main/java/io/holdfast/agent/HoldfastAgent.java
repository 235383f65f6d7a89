package io.holdfast.agent;

import io.holdfast.config.HoldfastConfig;

/** The process that drives a guest's hypervisor, ships checkpoints and decides on failover. */
public final class HoldfastAgent {

    private HoldfastAgent() {}

    /**
     * Runs until the process is told to stop, or something fails that it cannot go on without.
     *
     * @return the exit code of the process
     */
    public static int run(HoldfastConfig config) throws Exception {
        System.err.println("guest " + config.guest() + ": the agent is not in this build");
        return 1;
    }
}
