package io.holdfast.arp;

/** Knows whose the guest is, under the current term. Called by the announcer's thread; must not block. */
@FunctionalInterface
public interface Ownership {

    /** How far this host may speak for the guest. */
    enum Standing {
        /** The guest is this host's, and nobody else may have it. */
        OWNER,
        /** It may be another host's by now: nothing is said until that is known, and then the series goes on. */
        IN_DOUBT,
        /** It is not, or no longer, this host's. */
        NOT_OWNER
    }

    /** This host's standing, now, for one of the guest's NICs. */
    Standing standing(String nic);
}
