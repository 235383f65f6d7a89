package io.holdfast.agent.engine;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.CatchUpReport;
import io.holdfast.bridge.Exemption;
import io.holdfast.port.FramePort;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.reverse.Admission;
import io.holdfast.reverse.Reconciler;
import io.holdfast.reverse.ReplayOrder;
import io.holdfast.reverse.ReverseCounters;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A real guest behind a real inline bridge in reverse mode, and the client's network in front of it:
 * {@code net0 10.7.0.1 === up0 [bridge] tap0 = guest}, and {@code tap1} for the guest after a failover. The test is the engine.
 */
final class InlineFailover implements AutoCloseable {

    static final String CLIENT_INTERFACE = "net0";

    private static final String INCARNATION = "9f";
    private static final int FIRST_ENGINE = 1;
    private static final int SECOND_ENGINE = 2;
    private static final long LEASE_NANOS = 5_000_000_000L;
    private static final long CATCH_UP_LIMIT_NANOS = 5_000_000_000L;

    private final Bridge bridge;
    private final TestGuest here = new TestGuest("tap0");
    private final TestGuest there = new TestGuest("tap1");
    private final QemuEngine engine;
    private final QemuStandby standby;
    private final Checkpoints backup;
    private byte[] devices = {};
    private @Nullable CheckpointEngine restored;
    private long caughtUpMillis;

    /** A guest that serves, unprotected. */
    InlineFailover(IntPredicate heldPorts) throws Exception {
        VethPair.create("up0", CLIENT_INTERFACE);
        Shell.run("ip", "address", "add", "10.7.0.1/24", "dev", CLIENT_INTERFACE);
        for (String tap : new String[] {"tap0", "tap1"}) {
            Shell.run("ip", "tuntap", "add", tap, "mode", "tap");
            Shell.run("ip", "link", "set", tap, "addrgenmode", "none", "up");
        }
        FramePort uplink = PacketSocketPort.open("up0");
        List<FramePort> places = List.of(PacketSocketPort.open("tap0"), PacketSocketPort.open("tap1"));
        bridge = new Bridge(
                new BufferWall(INCARNATION, Term.none(), false),
                List.of(new Bridge.Nic(places, uplink)),
                new Bridge.Settings(
                        16 << 20,
                        8 << 20,
                        2_000_000,
                        true,
                        Optional.of(new Reconciler.Settings(
                                16 << 20,
                                4 << 20,
                                1_000,
                                heldPorts,
                                Admission.FREE,
                                uplink.prefixBytes(),
                                System.nanoTime()))),
                () -> Exemption.NONE,
                (nic, memory, offsetBytes, lengthBytes) -> {},
                () -> {},
                (lane, cause) -> cause.printStackTrace());
        bridge.start();
        bridge.hello(FIRST_ENGINE, term(FIRST_ENGINE, "a"), Epoch.FIRST);
        bridge.open(FIRST_ENGINE, INCARNATION, FIRST_ENGINE, "serves");
        engine = here.running();
        meetTheNeighbour();
        standby = QemuStandby.start(there.settings());
        backup = new Checkpoints(engine.memoryBytes());
        engine.precopy(backup);
    }

    /** Before anything is held: a guest that has just been restored knows another client's MAC, and ARP is never let go early. */
    private static void meetTheNeighbour() throws IOException {
        try (RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 5_000)) {
            client.increment("met");
        }
    }

    InlineFailover() throws Exception {
        this(Set.<Integer>of()::contains);
    }

    private static Term term(long number, String owner) {
        return new Term(number, Term.Claim.PROMOTION, owner);
    }

    /** Takes a checkpoint and has it confirmed. */
    void checkpoint() throws EngineException, WallRefusal {
        engine.pause();
        long epoch = bridge.barrier(FIRST_ENGINE, INCARNATION, FIRST_ENGINE).epoch();
        devices = engine.saveDevices();
        engine.captureMemory(backup);
        engine.resume();
        bridge.commit(FIRST_ENGINE, INCARNATION, FIRST_ENGINE, epoch, System.nanoTime() + LEASE_NANOS);
    }

    /** Kills the guest, restores the newest checkpoint behind the bridge, and waits until clients may go on. */
    void failOver() throws Exception {
        engine.kill();
        bridge.hello(SECOND_ENGINE, term(SECOND_ENGINE, "b"), Epoch.FIRST);
        bridge.guestLost(SECOND_ENGINE, INCARNATION, SECOND_ENGINE);
        standby.memory().copyFrom(backup.memory());
        bridge.guestRestored(SECOND_ENGINE, INCARNATION, SECOND_ENGINE, 1, ReplayOrder.GATED);
        long beganNanos = System.nanoTime();
        restored = standby.promote(devices);
        while (!report().decided() && System.nanoTime() - beganNanos < CATCH_UP_LIMIT_NANOS) {
            Thread.sleep(1);
        }
        caughtUpMillis = (System.nanoTime() - beganNanos) / 1_000_000;
        System.out.println("caught up in " + caughtUpMillis + " ms: " + report());
        bridge.giveUpRest(SECOND_ENGINE, INCARNATION, SECOND_ENGINE);
        bridge.open(SECOND_ENGINE, INCARNATION, SECOND_ENGINE, "restored");
    }

    CatchUpReport report() {
        return bridge.catchUp().orElseThrow();
    }

    ReverseCounters counters() {
        return bridge.reverseCounters().orElseThrow();
    }

    long heldFrames() {
        return bridge.counters().getFirst().bufferedFrames();
    }

    @Override
    public void close() throws Exception {
        if (restored != null) {
            restored.close();
        }
        engine.close();
        standby.close();
        bridge.close();
        here.close();
        there.close();
    }
}
