package io.holdfast.bridge;

import io.holdfast.port.FramePort;
import io.holdfast.port.LeftFrames;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Gives a restored guest what clients have sent to its earlier host, as fast as it takes it. A guest that is still being
 * restored takes nothing: its frames wait in the tap, whose queue drops silently what finds it full. So only a few are given
 * ahead, and then as many as the guest has fetched. When it has fetched nothing for {@value #PATIENCE_MILLIS} ms, nobody
 * waits any longer, and what finds no room is lost and counted: the clients send it again by their own timers.
 *
 * <p><b>Threads.</b> One.
 */
public final class PacedInjection {

    static final long PATIENCE_MILLIS = 200;

    /** Half of the shortest queue that a tap is given by default, because clients send new frames at the same time. */
    static final int AHEAD_FRAMES = 256;

    private static final long LOOK_AGAIN_NANOS = 500_000;

    private final Bridge bridge;
    private final LongSupplier[] waitingFrames;
    /** How many more each NIC certainly has room for. */
    private final long[] roomFrames;

    private long deadlineNanos = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;

    PacedInjection(Bridge bridge, FramePort[] guestPorts) {
        this.bridge = bridge;
        this.waitingFrames = new LongSupplier[guestPorts.length];
        this.roomFrames = new long[guestPorts.length];
        for (int nic = 0; nic < guestPorts.length; nic++) {
            waitingFrames[nic] = waitingAt(guestPorts[nic]);
        }
    }

    /**
     * Gives the guest one frame, and waits if it must.
     *
     * @param offsetBytes where the prefix begins
     * @param lengthBytes of prefix and frame
     */
    public InjectionOutcome inject(int nic, int prefixBytes, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (nic < 0 || nic >= waitingFrames.length) {
            return InjectionOutcome.UNFIT;
        }
        InjectionOutcome outcome = attempt(nic, prefixBytes, memory, offsetBytes, lengthBytes);
        while (outcome == InjectionOutcome.NO_ROOM && System.nanoTime() - deadlineNanos < 0) {
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
            outcome = attempt(nic, prefixBytes, memory, offsetBytes, lengthBytes);
        }
        if (outcome == InjectionOutcome.GIVEN) {
            deadlineNanos = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        }
        return outcome;
    }

    private InjectionOutcome attempt(
            int nic, int prefixBytes, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (roomFrames[nic] <= 0) {
            roomFrames[nic] = AHEAD_FRAMES - waitingFrames[nic].getAsLong();
        }
        if (roomFrames[nic] <= 0) {
            return InjectionOutcome.NO_ROOM;
        }
        roomFrames[nic]--;
        return bridge.inject(nic, prefixBytes, memory, offsetBytes, lengthBytes);
    }

    /** Frames that wait now, beyond those that have waited already. */
    private static LongSupplier waitingAt(FramePort port) {
        LeftFrames left = new LeftFrames(port.interfaceName());
        long baseFrames = port.counters().sentFrames() - left.count();
        return () -> port.counters().sentFrames() - left.count() - baseFrames;
    }
}
