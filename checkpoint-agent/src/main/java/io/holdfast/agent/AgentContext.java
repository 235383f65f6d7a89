package io.holdfast.agent;

import io.holdfast.agent.engine.QemuStandby;
import io.holdfast.agent.link.LinkSecurity;
import io.holdfast.agent.link.TermClaim;
import io.holdfast.agent.role.FailureDetector;
import io.holdfast.agent.role.Safeguards;
import io.holdfast.audit.AuditLog;
import io.holdfast.config.AgentConfig;
import io.holdfast.config.AnnounceConfig;
import io.holdfast.config.ArmingPolicy;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.InitialRole;
import io.holdfast.config.MirrorInput;
import io.holdfast.wall.Term;
import io.netty.channel.EventLoopGroup;
import java.time.Duration;
import java.util.List;

/** What both roles of an agent need, and how one hands over to the other. */
record AgentContext(
        HoldfastConfig config,
        AgentConfig agent,
        List<String> wallGuestPorts,
        Conductor conductor,
        EventLoopGroup eventLoop,
        LinkSecurity security,
        TermStore terms,
        AgentMeasures measures,
        WallTunnel tunnel,
        Uplink uplink,
        Arbitration arbitration,
        AuditLog audit,
        RoleChange roleChange) {

    /** How often roles are told that time has passed. */
    static final long TICK_NANOS = 5_000_000;

    private static final long DEFAULT_CATCH_UP_LIMIT_NANOS = 3_000_000_000L;

    FailureDetector.Settings patience() {
        return new FailureDetector.Settings(
                agent.silenceLimit().toNanos(),
                agent.grace().toNanos(),
                agent.heartbeat().toNanos());
    }

    /** Half of the shorter patience of a backup: a commit that comes later may meet a promoted one. */
    long leaseNanos() {
        return Math.min(agent.silenceLimit().toNanos(), agent.grace().toNanos()) / 2;
    }

    /** Whether one proxy in front of both hosts has the wall; it is then the one wall of both agents. */
    boolean isInline() {
        return uplink.isInline();
    }

    /** What an inline proxy calls this host: as it was at the very first start. */
    String inlinePlace() {
        return agent.role() == InitialRole.PRIMARY ? "primary" : "backup";
    }

    /** An inline proxy has the clients' frames, and gives them to a restored guest itself. */
    MirrorInput mirrorInput() {
        return isInline() ? MirrorInput.OFF : agent.mirrorInput();
    }

    /** How long a restored guest may take until it is where its clients have seen it. */
    long catchUpLimitNanos() {
        return config.proxySection()
                .map(proxy -> proxy.reverse().catchUpLimit().toNanos())
                .orElse(DEFAULT_CATCH_UP_LIMIT_NANOS);
    }

    /** How often a checkpoint may be restored until its guest is there. Beside its guest a wall never needs more than once. */
    int restoreAttempts() {
        return isInline() ? agent.restoreAttempts() : 1;
    }

    /** Memories that shall wait for further attempts: no more than there may be. */
    int spares() {
        return Math.min(agent.spares(), restoreAttempts() - 1);
    }

    /** How long a promotion asks whether the guest still speaks elsewhere. */
    Duration probeTime() {
        return config.proxySection().map(proxy -> proxy.announce().probe()).orElse(AnnounceConfig.DEFAULT_PROBE);
    }

    /** What stands between this backup and a promotion. An inline proxy has the only uplink, and knows who speaks through it. */
    Safeguards safeguards() {
        return arbitration.safeguards(!isInline() && !probeTime().isZero());
    }

    boolean passesBeforeArming() {
        return agent.arming() == ArmingPolicy.PASS;
    }

    QemuStandby.Settings standbySettings() {
        return new QemuStandby.Settings(
                agent.qemu().command(),
                agent.qemu().qmp(),
                agent.qemu().memory(),
                agent.qemu().incoming(),
                config.runtimeDirectory());
    }

    /** A term as it crosses the link. */
    TermClaim claim(Term term) {
        return new TermClaim(term.number(), WallLink.claim(term), term.owner());
    }

    /** The reverse of {@link #claim}. */
    static Term term(TermClaim claim) {
        return new Term(claim.number(), WallLink.claim(claim.claim()), claim.owner());
    }

    /** Replaces the running role; on the conductor. */
    @FunctionalInterface
    interface RoleChange {
        void to(Shell next);
    }
}
