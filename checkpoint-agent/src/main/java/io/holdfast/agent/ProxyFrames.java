package io.holdfast.agent;

import io.holdfast.control.ClientFrame;
import io.holdfast.control.FrameChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clients' frames from and to this host's proxy, over a connection that is made anew whenever it is lost. The proxy serves one
 * such connection.
 *
 * <p><b>Threads.</b> Frames come on one of its own; the rest is one thread's.
 */
final class ProxyFrames implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ProxyFrames.class);
    private static final long RETRY_MILLIS = 200;

    private final Path socket;
    private final Consumer<ClientFrame> onFrame;
    private final Thread thread;
    private volatile @Nullable FrameChannel channel;
    private volatile boolean closed;

    /** @param onFrame takes what clients send to the guest here */
    ProxyFrames(Path socket, Consumer<ClientFrame> onFrame) {
        this.socket = socket;
        this.onFrame = onFrame;
        this.thread = Thread.ofPlatform().name("client-frames").daemon().unstarted(this::receive);
    }

    void start() {
        thread.start();
    }

    private void receive() {
        while (!closed) {
            try (FrameChannel connected = FrameChannel.connect(socket)) {
                channel = connected;
                while (!closed) {
                    onFrame.accept(connected.read());
                }
            } catch (IOException e) {
                log.debug("no frames from the proxy: {}", e.getMessage());
            }
            channel = null;
            try {
                Thread.sleep(RETRY_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Gives frames to the guest here, in order; how many the proxy got. */
    int inject(List<ClientFrame> frames) {
        FrameChannel connected = channel;
        if (connected == null) {
            return 0;
        }
        int given = 0;
        try {
            for (ClientFrame frame : frames) {
                connected.write(frame);
                given++;
            }
            connected.flush();
        } catch (IOException e) {
            log.warn("clients' frames did not get to the proxy, the clients will send again: {}", e.getMessage());
        }
        return given;
    }

    @Override
    public void close() {
        closed = true;
        FrameChannel open = channel;
        if (open != null) {
            open.close();
        }
        thread.interrupt();
    }
}
