package io.holdfast.cli.proxy;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.InputMirror;
import io.holdfast.control.ClientFrame;
import io.holdfast.control.FrameChannel;
import io.holdfast.control.FrameServer;
import io.holdfast.measure.Counter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Copies of clients' frames out to the agent, frames for a restored guest in from it. */
final class ClientFrames implements FrameServer.Exchange {

    private static final long LONGEST_WAIT_NANOS = 100_000_000;

    private final Bridge bridge;
    private final Arena arena = Arena.ofAuto();
    /** One connection injects at a time. */
    private final MemorySegment frame = arena.allocate(ClientFrame.MAX_BYTES, 8);

    private final Counter injectedFrames = new Counter();
    private final Counter refusedFrames = new Counter();

    ClientFrames(Bridge bridge) {
        this.bridge = bridge;
    }

    @Override
    public void serve(FrameChannel agent) throws IOException {
        List<InputMirror> mirrors = bridge.inputMirrors();
        mirrors.forEach(mirror -> mirror.open((memory, offsetBytes, lengthBytes) -> true));
        try {
            while (agent.isOpen()) {
                boolean any = false;
                for (int nic = 0; nic < mirrors.size(); nic++) {
                    int number = nic;
                    InputMirror mirror = mirrors.get(nic);
                    any |= mirror.<IOException>drainTo((stamp, memory, offsetBytes, lengthBytes) ->
                            agent.write(number, stamp, mirror.prefixBytes(), memory, offsetBytes, lengthBytes));
                }
                if (any) {
                    agent.flush();
                } else {
                    LockSupport.parkNanos(LONGEST_WAIT_NANOS);
                }
            }
        } finally {
            mirrors.forEach(InputMirror::close);
        }
    }

    @Override
    public synchronized void inject(ClientFrame injected) {
        byte[] bytes = injected.bytes();
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, frame, 0, bytes.length);
        if (bridge.inject(injected.nic(), injected.prefixBytes(), frame, 0, bytes.length)) {
            injectedFrames.increment();
        } else {
            refusedFrames.increment();
        }
    }

    long injectedFrames() {
        return injectedFrames.value();
    }

    long refusedFrames() {
        return refusedFrames.value();
    }
}
