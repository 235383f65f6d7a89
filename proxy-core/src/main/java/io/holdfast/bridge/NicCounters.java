package io.holdfast.bridge;

import io.holdfast.measure.NanoHistogram;
import io.holdfast.port.PortCounters;

/**
 * What has become of one NIC's frames since the start; every captured frame is in exactly one place.
 *
 * @param releasedFrames left by the frontier
 * @param passedFrames left at once, because the wall was ALONE or never holds
 * @param exemptFrames left at once, because the operator exempted them
 * @param discardedFrames never left, because of a seal, a discard or a closed wall
 * @param droppedAtLimitFrames found the wall full
 * @param bufferedFrames are in the wall now
 * @param heldFrames have ever been in the wall
 * @param lateFrames were captured after a barrier though sent before: they waited longer than they had to
 * @param deliveredFrames went to the guest
 * @param shutOutFrames came for the guest while it may receive nothing
 * @param mirroredFrames were delivered, and copied for the backup
 * @param unmirroredFrames were delivered, and not copied though they should have been, because they were too many
 * @param injectedFrames had been sent to the guest's earlier host, and went to the guest after its restoration
 */
public record NicCounters(
        String guestPortName,
        String uplinkName,
        long releasedFrames,
        long releasedBytes,
        long passedFrames,
        long exemptFrames,
        long discardedFrames,
        long droppedAtLimitFrames,
        long bufferedFrames,
        long bufferedBytes,
        long capacityBytes,
        long heldFrames,
        long lateFrames,
        long oldestAgeNanos,
        long deliveredFrames,
        long shutOutFrames,
        long mirroredFrames,
        long unmirroredFrames,
        long injectedFrames,
        PortCounters guestPort,
        PortCounters uplink,
        NanoHistogram holdNanos,
        NanoHistogram commitToWireNanos) {}
