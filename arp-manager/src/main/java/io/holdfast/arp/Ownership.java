package io.holdfast.arp;

/** Knows whether the guest is this host's, under the current term. Called by the announcer's thread; must not block. */
@FunctionalInterface
public interface Ownership {

    /** Whether this host may speak for the guest, now. */
    boolean isOwner();
}
