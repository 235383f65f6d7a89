package io.holdfast.bridge;

import io.holdfast.port.FramePort;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

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

    private static final long LOOK_AGAIN_NANOS = 500_000;

    private final Bridge bridge;
    private final GuestRoom[] rooms;

    private long deadlineNanos = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;

    PacedInjection(Bridge bridge, FramePort[] guestPorts) {
        this.bridge = bridge;
        this.rooms = Arrays.stream(guestPorts).map(GuestRoom::new).toArray(GuestRoom[]::new);
    }

    /**
     * Gives the guest one frame, and waits if it must.
     *
     * @param offsetBytes where the prefix begins
     * @param lengthBytes of prefix and frame
     */
    public InjectionOutcome inject(int nic, int prefixBytes, MemorySegment memory, long offsetBytes, int lengthBytes) {
        if (nic < 0 || nic >= rooms.length) {
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
        if (!rooms[nic].take()) {
            return InjectionOutcome.NO_ROOM;
        }
        return bridge.inject(nic, prefixBytes, memory, offsetBytes, lengthBytes);
    }
}
