package io.holdfast.cli.proxy;

import io.holdfast.arp.Ownership.Standing;
import io.holdfast.wall.WallState;

/** What a wall's state says of who may speak for the guest (INV-9, INV-10). */
final class WallOwnership {

    private WallOwnership() {}

    static Standing standing(WallState state) {
        return switch (state) {
            case ALONE, PROTECTED -> Standing.OWNER;
            // The backup may have promoted meanwhile; its announcements must not meet ours.
            case ARMING, SUSPENDED -> Standing.IN_DOUBT;
            case CLOSED, SEALED -> Standing.NOT_OWNER;
        };
    }
}
