package io.holdfast.agent;

import io.holdfast.measure.Counter;
import io.holdfast.measure.NanoHistogram;

/** What an agent measures over its life, whatever its role. Each has one writing thread; all may be read by any. */
final class AgentMeasures {

    /** Guest stopped until it goes on. Engine thread. */
    final NanoHistogram pauseNanos = new NanoHistogram();

    /** Barrier placed until the confirmation came. Conductor. */
    final NanoHistogram confirmNanos = new NanoHistogram();

    /** Time in which the guest stood still. Engine thread. */
    final Counter pausedNanos = new Counter();

    /** Checkpoints captured. Engine thread. */
    final Counter checkpoints = new Counter();

    final Counter fullCheckpoints = new Counter();

    /** Pages in them. Engine thread. */
    final Counter dirtyPages = new Counter();

    /** Bytes of pages and devices handed to the link. Shipper thread. */
    final Counter shippedBytes = new Counter();

    /** Checkpoints confirmed to the primary. Conductor. */
    final Counter confirmedCheckpoints = new Counter();

    /** Promotions of this host. Conductor. */
    final Counter failovers = new Counter();

    /** Checkpoints that failed. Conductor. */
    final Counter failedCheckpoints = new Counter();

    /** Words of the proxy that somebody speaks for the guest on this backup's host, at most one per second. Conductor. */
    final Counter brokenSilences = new Counter();

    /** What the arbiter has answered. Conductor. */
    final Counter grantedClaims = new Counter();

    final Counter refusedClaims = new Counter();

    final Counter unansweredClaims = new Counter();

    /** From the decision to promote until the guest ran and the wall was open. Conductor. */
    volatile long promotionNanos;

    volatile String detectedBy = "";

    /** Guests handed over to the other host. Conductor. */
    final Counter switchovers = new Counter();

    /** How long the guest stood still for the newest of them, at most: until this host heard that it runs there. Conductor. */
    volatile long switchoverNanos;

    /** Clients' frames copied to the backup. {@link InputCopies}. */
    final Counter mirroredFrames = new Counter();

    /** Clients' frames of the primary that were kept here, until there was no more room. {@link InputLog}. */
    final Counter droppedCopies = new Counter();

    /** Clients' frames given to a guest that was restored here. {@link InputInjection}. */
    final Counter injectedFrames = new Counter();

    /** Likewise, which it did not get. */
    final Counter refusedInjections = new Counter();

    /** How the guest's changed pages are found. Engine thread. */
    volatile String changeTracking = "";

    /** Times that the kernel had not reported a page that had changed. Engine thread. */
    final Counter trackingFaults = new Counter();

    /** Memories of the checkpoint that wait for a further attempt to restore it. Conductor. */
    volatile int sparesWaiting;

    /** Those that were used. */
    final Counter usedSpares = new Counter();

    /** Waiting hypervisors whose process died, or failed at a takeover. Conductor. */
    final Counter failedStandbys = new Counter();

    /** When the other host's agent was last heard, in whatever role. Conductor. */
    final LastContact peerContact = new LastContact();

    /** What came of rehearsals. */
    final RehearsalMeasures rehearsals = new RehearsalMeasures();
}
