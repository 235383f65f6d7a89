package io.holdfast.agent;

import io.holdfast.agent.link.LinkConnection;
import io.holdfast.agent.link.LinkMessage;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.WallPlace;
import io.holdfast.control.ControlEntrance;
import io.holdfast.control.ControlExit;
import io.holdfast.control.LineCarrier;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Makes the control socket of an inline proxy, which stands beside one agent, appear beside the other one as well: in its
 * place in the file system, for this agent and for everybody's tools. The lines travel over the replication link, whichever
 * side has made it. When the link ends, so do all its connections; the wall has then lost its engine, and holds.
 *
 * <p><b>Threads.</b> Any.
 */
final class WallTunnel implements AutoCloseable {

    private final @Nullable ControlEntrance entrance;
    private final ControlExit exit;
    private volatile @Nullable LinkConnection link;

    /** @throws IOException if the socket of a wall that is elsewhere cannot be made here */
    WallTunnel(HoldfastConfig config, WallPlace place, EventLoopGroup group) throws IOException {
        LineCarrier carrier = new LineCarrier() {
            @Override
            public void onBegin(int stream) {
                send(stream, new LinkMessage.WallStream(stream, true));
            }

            @Override
            public void onLine(int stream, String line) {
                send(stream, new LinkMessage.WallLine(stream, line));
            }

            @Override
            public void onEnd(int stream) {
                send(stream, new LinkMessage.WallStream(stream, false));
            }
        };
        entrance = place == WallPlace.PEER ? ControlEntrance.listen(config.proxySocket(), group, carrier) : null;
        exit = new ControlExit(config.proxySocket(), group, carrier);
    }

    private void send(int stream, LinkMessage message) {
        LinkConnection up = link;
        if (up != null) {
            up.send(message);
        } else if (entrance != null) {
            entrance.end(stream); // To whoever has connected the proxy is not there.
        }
    }

    /** A link stands; the newest one counts. */
    void onUp(LinkConnection up) {
        endAll();
        link = up;
    }

    /** Whether the message was for this. Those of an older link come to nobody. */
    boolean take(LinkConnection from, LinkMessage message) {
        boolean current = from.equals(link);
        switch (message) {
            case LinkMessage.WallLine line -> {
                if (current) {
                    takeLine(line);
                }
            }
            case LinkMessage.WallStream stream -> {
                if (current) {
                    takeStream(stream);
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void takeLine(LinkMessage.WallLine line) {
        if (entrance != null) {
            entrance.say(line.stream(), line.line());
        } else {
            exit.say(line.stream(), line.line());
        }
    }

    private void takeStream(LinkMessage.WallStream stream) {
        if (entrance != null) {
            entrance.end(stream.stream());
        } else if (stream.open()) {
            exit.begin(stream.stream());
        } else {
            exit.end(stream.stream());
        }
    }

    void onDown(LinkConnection down) {
        if (down.equals(link)) {
            link = null;
            endAll();
        }
    }

    private void endAll() {
        if (entrance != null) {
            entrance.endAll();
        }
        exit.endAll();
    }

    @Override
    public void close() throws IOException {
        if (entrance != null) {
            entrance.close();
        }
    }
}
