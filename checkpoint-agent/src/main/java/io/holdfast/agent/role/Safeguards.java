package io.holdfast.agent.role;

/**
 * What has to be asked before a backup takes over from a primary that it does not hear.
 *
 * @param arbitrated an arbiter says who may own the guest
 * @param fenced a command proves that the primary is gone
 * @param probed the network is asked for an old owner of the guest before the wall is opened
 */
public record Safeguards(boolean arbitrated, boolean fenced, boolean probed) {

    /** The silence of the primary is enough. */
    public static Safeguards none() {
        return new Safeguards(false, false, false);
    }
}
