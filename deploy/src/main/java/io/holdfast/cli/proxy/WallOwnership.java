package io.holdfast.cli.proxy;

import io.holdfast.arp.Ownership.Standing;
import io.holdfast.wall.BufferWall;

/** What a wall's state says of who may speak for the guest (INV-9, INV-10). */
final class WallOwnership {

    private WallOwnership() {}

    static Standing standing(BufferWall wall, long nowNanos) {
        if (wall.isLeaseOver(nowNanos)) {
            return Standing.NOT_OWNER; // It is about to be sealed.
        }
        return switch (wall.state()) {
            case ALONE, PROTECTED -> Standing.OWNER;
            // The backup may have promoted meanwhile; its announcements must not meet ours.
            case ARMING, SUSPENDED -> Standing.IN_DOUBT;
            case CLOSED, SEALED -> Standing.NOT_OWNER;
        };
    }
}
