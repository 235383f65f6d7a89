package io.holdfast.cli.proxy;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.InjectionOutcome;
import io.holdfast.bridge.InputMirror;
import io.holdfast.bridge.PacedInjection;
import io.holdfast.control.ClientFrame;
import io.holdfast.control.FrameChannel;
import io.holdfast.control.FrameServer;
import io.holdfast.frame.ClientFrameFilter;
import io.holdfast.measure.Counter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/** Copies of clients' frames out to the agent, frames for a restored guest in from it. */
final class ClientFrames implements FrameServer.Exchange {

    /** The lanes wake it when there is something; the channel may be closed meanwhile. */
    private static final long LONGEST_WAIT_NANOS = 50_000_000;

    private final Bridge bridge;
    private final Counter refusedFrames = new Counter();

    ClientFrames(Bridge bridge) {
        this.bridge = bridge;
    }

    @Override
    public void copy(FrameChannel to, boolean all) throws IOException {
        List<InputMirror> mirrors = bridge.inputMirrors();
        try {
            for (InputMirror mirror : mirrors) {
                ClientFrameFilter wanted = all ? ClientFrameFilter.allButArp() : ClientFrameFilter.tcp();
                mirror.open(wanted::takes);
            }
            while (to.isOpen()) {
                boolean any = false;
                for (int nic = 0; nic < mirrors.size(); nic++) {
                    int number = nic;
                    InputMirror mirror = mirrors.get(nic);
                    any |= mirror.<IOException>drainTo((stamp, memory, offsetBytes, lengthBytes) ->
                            to.write(number, stamp, mirror.prefixBytes(), memory, offsetBytes, lengthBytes));
                }
                if (any) {
                    to.flush();
                } else {
                    LockSupport.parkNanos(LONGEST_WAIT_NANOS);
                }
            }
        } finally {
            mirrors.forEach(InputMirror::close);
        }
    }

    @Override
    public Predicate<ClientFrame> newInjection() {
        PacedInjection injection = bridge.newInjection();
        // Some ports send only what is outside the heap.
        MemorySegment memory = Arena.ofAuto().allocate(ClientFrame.MAX_BYTES, 8);
        return frame -> {
            byte[] bytes = frame.bytes();
            MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory, 0, bytes.length);
            boolean given = injection.inject(frame.nic(), frame.prefixBytes(), memory, 0, bytes.length)
                    == InjectionOutcome.GIVEN;
            if (!given) {
                countRefused();
            }
            return given;
        };
    }

    private synchronized void countRefused() {
        refusedFrames.increment();
    }

    /** Frames for the restored guest that it did not get. */
    long refusedFrames() {
        return refusedFrames.value();
    }
}
