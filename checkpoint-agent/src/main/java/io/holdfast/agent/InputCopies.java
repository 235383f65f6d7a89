package io.holdfast.agent;

import io.holdfast.agent.link.CopyOutput;
import io.holdfast.config.MirrorInput;
import io.holdfast.control.ClientFrame;
import io.holdfast.control.FrameChannel;
import io.holdfast.control.FramePurpose;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes copies of what clients send from this host's proxy to the backup, while there is one: without a connection the proxy
 * makes no copies.
 *
 * <p>The link has room for a few copies at a time. The rest waits in the proxy, which drops and counts what is too much; so
 * neither a slow link nor a flood delays a checkpoint by more than those few.
 *
 * <p><b>Threads.</b> {@link #start} and {@link #stop} are the conductor's. Each connection of a backup has a thread of its own.
 */
final class InputCopies {

    private static final Logger log = LoggerFactory.getLogger(InputCopies.class);
    private static final long RETRY_NANOS = 200_000_000;
    private static final long LOOK_AGAIN_NANOS = 200_000;

    private final Path socket;
    private final MirrorInput wanted;
    private final AgentMeasures measures;
    private @Nullable Transfer transfer;

    InputCopies(Path socket, MirrorInput wanted, AgentMeasures measures) {
        this.socket = socket;
        this.wanted = wanted;
        this.measures = measures;
    }

    /** For a backup that is ready, in place of the one before. */
    void start(CopyOutput backup) {
        stop();
        if (wanted != MirrorInput.OFF) {
            transfer = new Transfer(backup);
            transfer.thread.start();
        }
    }

    /** There is no backup any more. Idempotent; does not wait. */
    void stop() {
        Transfer ending = transfer;
        transfer = null;
        if (ending != null) {
            ending.stop();
        }
    }

    private synchronized void count() {
        measures.mirroredFrames.increment();
    }

    /** To one backup, over connections that are made anew whenever they are lost. */
    private final class Transfer {

        private final CopyOutput backup;
        private final Thread thread =
                Thread.ofPlatform().name("input-copies").daemon().unstarted(this::run);
        private volatile @Nullable FrameChannel channel;
        private volatile boolean stopped;

        Transfer(CopyOutput backup) {
            this.backup = backup;
        }

        private void run() {
            FramePurpose purpose = wanted == MirrorInput.ALL ? FramePurpose.COPY_ALL : FramePurpose.COPY_TCP;
            while (!stopped) {
                try (FrameChannel connected = FrameChannel.connect(socket, purpose)) {
                    channel = connected;
                    boolean more = true;
                    while (more && !stopped) {
                        Optional<ClientFrame> frame = connected.read();
                        frame.ifPresent(this::send);
                        more = frame.isPresent();
                    }
                } catch (IOException e) {
                    log.debug("no frames from the proxy: {}", e.getMessage());
                }
                if (!stopped) {
                    LockSupport.parkNanos(RETRY_NANOS);
                }
            }
        }

        private void send(ClientFrame frame) {
            while (!backup.offer(frame)) {
                if (stopped) {
                    return;
                }
                LockSupport.parkNanos(LOOK_AGAIN_NANOS);
            }
            count();
        }

        void stop() {
            stopped = true;
            FrameChannel open = channel;
            if (open != null) {
                open.close();
            }
            LockSupport.unpark(thread);
        }
    }
}
