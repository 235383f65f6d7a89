package io.holdfast.agent.engine;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.CatchUpReport;
import io.holdfast.bridge.Exemption;
import io.holdfast.port.FramePort;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.reverse.Admission;
import io.holdfast.reverse.Reconciler;
import io.holdfast.reverse.ReverseCounters;
import io.holdfast.testkit.Shell;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.Epoch;
import io.holdfast.wall.Term;
import io.holdfast.wall.WallRefusal;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A real guest behind a real inline bridge in reverse mode, and the client's network in front of it:
 * {@code net0 10.7.0.1 === up0 [bridge] tap0 = guest}, and {@code tap1} for the guest after a failover. The test is the engine.
 * A trace of all that clients are sent is judged at the end.
 */
final class InlineFailover implements AutoCloseable {

    static final String CLIENT_INTERFACE = "net0";
    static final String UPLINK = "up0";
    /** Where frames of clients in a VLAN have their tag. */
    static final String TRUNK = "trunk0";

    private static final String VLAN_INTERFACE = "net7";

    private static final String INCARNATION = "9f";
    private static final int FIRST_ENGINE = 1;
    private static final int SECOND_ENGINE = 2;
    private static final long LEASE_NANOS = 60_000_000_000L;
    private static final long CATCH_UP_LIMIT_NANOS = 30_000_000_000L;

    private final Wire wire;
    private final VlanInterface vlan;
    private final Trace trace;
    private final Trace vlanTrace;
    private final Bridge bridge;
    private final TestGuest here = new TestGuest("tap0");
    private final TestGuest there = new TestGuest("tap1");
    private final QemuEngine engine;
    private QemuStandby standby;
    private final Checkpoints backup;
    private long checkpointEpoch;
    private byte[] devices = {};
    private @Nullable CheckpointEngine restored;

    /** A guest that serves, unprotected. */
    InlineFailover(IntPredicate heldPorts) throws Exception {
        wire = Wire.create(UPLINK, CLIENT_INTERFACE, TRUNK);
        vlan = new VlanInterface(VLAN_INTERFACE, TRUNK, TestGuest.VLAN);
        giveAddresses();
        for (String tap : new String[] {"tap0", "tap1"}) {
            Shell.run("ip", "tuntap", "add", tap, "mode", "tap");
            Shell.run("ip", "link", "set", tap, "addrgenmode", "none", "up");
        }
        trace = Trace.at(CLIENT_INTERFACE, LineClient.PORT);
        vlanTrace = Trace.at(VLAN_INTERFACE, LineClient.PORT);
        FramePort uplink = PacketSocketPort.open(UPLINK);
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
        meetTheNeighbours();
        standby = QemuStandby.start(there.settings());
        backup = new Checkpoints(engine.memoryBytes());
        engine.precopy(backup);
    }

    private static void giveAddresses() {
        Shell.run("ip", "address", "add", "10.7.0.1/24", "dev", CLIENT_INTERFACE);
        Shell.run("ip", "address", "add", "fd07::1/64", "dev", CLIENT_INTERFACE, "nodad");
        Shell.run("ip", "address", "add", "10.7.7.1/24", "dev", VLAN_INTERFACE);
    }

    /** Before anything is held: a guest that has just been restored knows another client's MAC, and ARP is never let go early. */
    private static void meetTheNeighbours() throws IOException {
        for (String address : TestGuest.ADDRESSES) {
            try (RedisClient client = RedisClient.connect(address, 5_000)) {
                client.increment("met");
            }
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
        checkpointEpoch =
                bridge.barrier(FIRST_ENGINE, INCARNATION, FIRST_ENGINE).epoch();
        devices = engine.saveDevices();
        engine.captureMemory(backup);
        engine.resume();
        bridge.commit(FIRST_ENGINE, INCARNATION, FIRST_ENGINE, checkpointEpoch, System.nanoTime() + LEASE_NANOS);
    }

    /** Kills the guest, restores the newest checkpoint behind the bridge, and waits until clients may go on. */
    void failOver() throws Exception {
        lose();
        attempt(backup.memory());
        goLive();
    }

    /** Kills the guest. */
    void lose() throws WallRefusal {
        engine.kill();
        bridge.hello(SECOND_ENGINE, term(SECOND_ENGINE, "b"), Epoch.FIRST);
        bridge.guestLost(SECOND_ENGINE, INCARNATION, SECOND_ENGINE);
    }

    /** Restores a guest with that memory, and waits until all its connections are decided. */
    void attempt(MemorySegment memory) throws Exception {
        standby.memory().copyFrom(memory);
        bridge.guestRestored(SECOND_ENGINE, INCARNATION, SECOND_ENGINE, 1, checkpointEpoch, Optional.empty());
        long beganNanos = System.nanoTime();
        restored = standby.promote(devices);
        while (!report().decided() && System.nanoTime() - beganNanos < CATCH_UP_LIMIT_NANOS) {
            Thread.sleep(1);
        }
        long caughtUpMillis = (System.nanoTime() - beganNanos) / 1_000_000;
        System.out.println("caught up in " + caughtUpMillis + " ms: " + report());
    }

    /** Kills the restored guest, and has another one wait in its place. */
    void giveUpAttempt() throws Exception {
        try (CheckpointEngine diverged = Objects.requireNonNull(restored)) {
            diverged.kill();
        }
        bridge.guestLost(SECOND_ENGINE, INCARNATION, SECOND_ENGINE);
        standby = QemuStandby.start(there.settings());
    }

    /** Memory of the newest checkpoint. */
    MemorySegment checkpointMemory() {
        return backup.memory();
    }

    void goLive() throws WallRefusal {
        bridge.giveUpRest(SECOND_ENGINE, INCARNATION, SECOND_ENGINE);
        bridge.open(SECOND_ENGINE, INCARNATION, SECOND_ENGINE, "restored");
    }

    Wire wire() {
        return wire;
    }

    /** What clients are sent that are in no VLAN. */
    Trace trace() {
        return trace;
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

    /** @throws AssertionError if a client was sent anything that it had to reject */
    @Override
    public void close() throws Exception {
        try (trace;
                vlanTrace;
                vlan;
                here;
                there;
                bridge;
                QemuStandby waiting = standby;
                engine) {
            if (restored != null) {
                restored.close();
            }
        }
    }
}
