package io.holdfast.agent;

import io.holdfast.control.ClientFrame;
import io.holdfast.control.FrameChannel;
import io.holdfast.control.FrameChannel.Receipt;
import io.holdfast.control.FramePurpose;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the restored guest, through this host's proxy, what clients had sent to the primary's. The proxy waits for a guest
 * that does not run yet, so this has a thread of its own, which outlives the role that started it.
 */
final class InputInjection {

    private static final Logger log = LoggerFactory.getLogger(InputInjection.class);

    private InputInjection() {}

    /** Begins; {@code measures} have the outcome when it is over. */
    static Thread start(Path socket, List<ClientFrame> frames, AgentMeasures measures) {
        return Thread.ofPlatform().name("input-injection").daemon().start(() -> inject(socket, frames, measures));
    }

    private static void inject(Path socket, List<ClientFrame> frames, AgentMeasures measures) {
        if (frames.isEmpty()) {
            log.info("no client's frames for the guest");
            return;
        }
        long beganNanos = System.nanoTime();
        Receipt receipt = new Receipt(0, frames.size());
        try (FrameChannel proxy = FrameChannel.connect(socket, FramePurpose.INJECT)) {
            for (ClientFrame frame : frames) {
                proxy.write(frame);
            }
            receipt = proxy.finish();
        } catch (IOException e) {
            log.warn("clients' frames did not get to the proxy, the clients will send again: {}", e.getMessage());
        }
        measures.injectedFrames.add(receipt.givenFrames());
        measures.refusedInjections.add(receipt.refusedFrames());
        log.info(
                "{} of {} frames of clients given to the guest, in {} ms",
                receipt.givenFrames(),
                frames.size(),
                (System.nanoTime() - beganNanos) / 1_000_000);
    }
}
