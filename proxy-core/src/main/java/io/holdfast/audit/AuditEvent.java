package io.holdfast.audit;

import java.util.Locale;

/** What an audit log tells of. */
public enum AuditEvent {
    /** A backup begins to take over. */
    PROMOTION,
    /** It has: the guest serves its clients here. */
    PROMOTED,
    /** Somebody wanted a promotion, or there was reason for one, and it was not allowed. */
    PROMOTION_REFUSED,
    /** The guest could not be restored. */
    PROMOTION_FAILED,
    /** This host has claimed a term, and no guest will ever run here under it: the other host may go on. */
    TERM_FORGONE,
    /** The backup's checkpoint was restored in isolation, or should have been. */
    REHEARSED,
    /** An operator has answered for what a promotion would have waited for. */
    PROMOTION_FORCED,
    /** What the arbiter has said, or that it says nothing. */
    ARBITER,
    /** Whether the primary's host could be fenced. */
    FENCE,
    /** This backup may not take over any more, until it has a new checkpoint. */
    DISARMED,
    /** The backup has promised not to promote before it is armed again, so that the primary goes on alone. */
    RELINQUISHED,
    /** A primary goes on without a backup, by an operator's or the arbiter's word. */
    ALONE,
    /** A primary hands its guest over to the backup, or has. */
    SWITCHOVER,
    /** A primary ends its guest, because another host has taken over. */
    STEPPED_DOWN,
    /** A primary does not take another host for its backup. */
    BACKUP_REFUSED,
    /** A backup does not take another host for its primary. */
    PRIMARY_REFUSED,
    /** The proxy of this host has taken the uplink from the other one's, or has given it back. */
    UPLINK,
    /** Somebody else uses an address of the guest, or that is over. */
    ADDRESS_CONFLICT,
    /** Something spoke behind the wall of a backup, where no guest runs, or the backup's host spoke as the guest. */
    SILENCE_BROKEN,
    /** A proxy has ended in order, and what it held with it. */
    PROXY_ENDED,
    /** The proxy that ran before ended in another way, and what it held with it. */
    PROXY_DIED,
    /** The wall holds, or no longer, what it held before. */
    WALL,
    /** What the proxy holds was chosen anew. */
    MODE,
    /** Somebody sees what the guest and its clients say to each other. */
    DUMP,
    /** The host's own stack may receive from the ports again, which a proxy had kept away. */
    PORTS_RELEASED;

    /** As it stands in the file. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
