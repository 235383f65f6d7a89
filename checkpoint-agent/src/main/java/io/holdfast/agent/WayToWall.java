package io.holdfast.agent;

import io.holdfast.agent.link.Backoff;
import io.holdfast.agent.link.LinkClient;
import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkListener;
import io.holdfast.agent.link.LinkMessage;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * The link that a backup makes to the other host for the wall's sake. A primary that lives makes it, and one that has been
 * deposed does not: then this host must, or it would never hear whether the guest that it restores is where its clients have
 * seen it.
 *
 * <p>Confined to the conductor.
 */
final class WayToWall {

    private static final long PATIENCE_WITH_PRIMARY_NANOS = 1_000_000_000L;
    private static final long FIRST_RECONNECT_NANOS = 20_000_000L;
    private static final long LONGEST_RECONNECT_NANOS = 500_000_000L;

    private final AgentContext context;
    private @Nullable LinkClient client;
    private long reachedNanos = System.nanoTime();

    WayToWall(AgentContext context) {
        this.context = context;
    }

    /** @param needed whether the wall is needed, and beside the other host */
    void onTick(boolean needed, long nowNanos) {
        if (client != null || !needed || context.tunnel().reachesPeer()) {
            reachedNanos = nowNanos;
        } else if (nowNanos - reachedNanos > PATIENCE_WITH_PRIMARY_NANOS) {
            LinkClient begun = new LinkClient(
                    context.eventLoop(),
                    context.agent().link().peer(),
                    context.security(),
                    new TunnelListener(),
                    new Backoff(FIRST_RECONNECT_NANOS, LONGEST_RECONNECT_NANOS, new Random()));
            client = begun;
            begun.start();
        }
    }

    private final class TunnelListener implements LinkListener {

        @Override
        public void onUp(LinkConnection up) {
            context.tunnel().onUp(up);
        }

        @Override
        public void onMessage(LinkConnection up, LinkMessage message) {
            context.tunnel().take(up, message);
        }

        @Override
        public void onBytes(LinkConnection up) {}

        @Override
        public void onDown(LinkConnection down, String reason, boolean endOfFile) {
            context.tunnel().onDown(down);
        }
    }

    void close() {
        if (client != null) {
            client.close();
        }
    }
}
