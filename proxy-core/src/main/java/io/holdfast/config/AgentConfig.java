package io.holdfast.config;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/**
 * The process that drives the hypervisor, ships checkpoints and decides on failover.
 *
 * @param role at the very first start; afterwards the term on disk decides
 * @param wall where the wall is that it drives
 * @param guestPorts the guest's taps here, if they are not themselves ports of the proxy: their only way leads to inline
 *     proxies
 * @param arming what the wall does until a backup of the term has ever been armed
 * @param interval between checkpoints, at most
 * @param latencyTarget output held this long asks for a checkpoint
 * @param pauseBudgetPercent share of the guest's time that checkpoints may take from it
 * @param epochsInFlight checkpoints sent and not yet confirmed
 * @param mirrorInput what of the clients' frames is copied to the backup
 * @param heartbeat interval of the signs of life on the link
 * @param missedHeartbeats silent heartbeats after which the peer is suspected
 * @param grace wait after end of file on the link without word of the guest's death
 * @param restoreAttempts how often a checkpoint may be restored until its guest is where its clients have seen it
 * @param spares memories that are filled beforehand for further attempts
 * @param rehearsal when the newest checkpoint is restored in isolation, and what is expected of its guest
 * @param link to the other host
 * @param arbiter who may own the guest
 * @param fence proof that the primary is gone
 * @param qemu the guest's hypervisor
 * @param http where metrics and probes are served; a loopback address
 */
public record AgentConfig(
        InitialRole role,
        WallPlace wall,
        List<String> guestPorts,
        ArmingPolicy arming,
        Duration interval,
        Duration latencyTarget,
        int pauseBudgetPercent,
        int epochsInFlight,
        MirrorInput mirrorInput,
        Duration heartbeat,
        int missedHeartbeats,
        Duration grace,
        int restoreAttempts,
        int spares,
        RehearsalConfig rehearsal,
        LinkConfig link,
        ArbiterConfig arbiter,
        FenceConfig fence,
        QemuConfig qemu,
        InetSocketAddress http) {

    public AgentConfig {
        guestPorts = List.copyOf(guestPorts);
    }

    /** Silence on the link after which the peer is suspected. */
    public Duration silenceLimit() {
        return heartbeat.multipliedBy(missedHeartbeats);
    }
}
