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
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/**
 * Makes the control socket of an inline proxy, which stands beside one agent, appear beside the other one as well: in its
 * place in the file system, for this agent and for everybody's tools. The lines travel over the replication link, whichever
 * side has made it. When the link ends, so do all its connections; the wall has then lost its engine, and holds.
 *
 * <p>Where a proxy stands by and takes the peer's place, the same socket leads to it, and the peer's to it as well:
 *
 * <pre>
 *   proxy.sock ─► entrance ─┬─ the link ─► the peer's exit ─► its proxy
 *                           └─ shortcut ──────┐
 *   the peer's entrance ─── the link ─► exit ─┴─► standby.sock
 * </pre>
 *
 * <p><b>Threads.</b> Any.
 */
final class WallTunnel implements AutoCloseable {

    private final @Nullable ControlEntrance entrance;
    private final ControlExit exit;
    private final ControlExit shortcut;

    /** Whether the entrance leads to this host's own proxy. */
    private volatile boolean leadsHere;

    /** All that stand, whichever side has made them; the last one takes what begins at the entrance. */
    private final Deque<LinkConnection> links = new ConcurrentLinkedDeque<>();

    /** Over which each of the peer's connections has come: the peer need not take the same link for the last one. */
    private final Map<Integer, LinkConnection> cameOver = new ConcurrentHashMap<>();

    /**
     * @param leadsHere whether this host's proxy has taken the place of the peer's
     * @throws IOException if the socket of a wall that is elsewhere cannot be made here
     */
    WallTunnel(HoldfastConfig config, WallPlace place, boolean leadsHere, EventLoopGroup group) throws IOException {
        this.leadsHere = leadsHere;
        this.exit = new ControlExit(config.ownProxySocket(), group, new LineCarrier() {
            @Override
            public void onLine(int stream, String line) {
                LinkConnection back = cameOver.get(stream);
                if (back != null) {
                    back.send(new LinkMessage.WallLine(stream, line));
                }
            }

            @Override
            public void onEnd(int stream) {
                LinkConnection back = cameOver.remove(stream);
                if (back != null) {
                    back.send(new LinkMessage.WallStream(stream, false));
                }
            }
        });
        this.shortcut = new ControlExit(config.ownProxySocket(), group, new LineCarrier() {
            @Override
            public void onLine(int stream, String line) {
                sayAtEntrance(stream, line);
            }

            @Override
            public void onEnd(int stream) {
                endAtEntrance(stream);
            }
        });
        this.entrance = place == WallPlace.PEER
                ? ControlEntrance.listen(config.proxySocket(), group, new FromEntrance())
                : null;
    }

    private final class FromEntrance implements LineCarrier {

        @Override
        public void onBegin(int stream) {
            if (leadsHere) {
                shortcut.begin(stream);
            } else if (!sendToPeer(new LinkMessage.WallStream(stream, true))) {
                endAtEntrance(stream); // To whoever has connected the proxy is not there.
            }
        }

        @Override
        public void onLine(int stream, String line) {
            if (leadsHere) {
                shortcut.say(stream, line);
            } else if (!sendToPeer(new LinkMessage.WallLine(stream, line))) {
                endAtEntrance(stream);
            }
        }

        @Override
        public void onEnd(int stream) {
            if (leadsHere) {
                shortcut.end(stream);
            } else {
                sendToPeer(new LinkMessage.WallStream(stream, false));
            }
        }
    }

    private boolean sendToPeer(LinkMessage message) {
        LinkConnection up = links.peekLast();
        if (up == null) {
            return false;
        }
        up.send(message);
        return true;
    }

    private void sayAtEntrance(int stream, String line) {
        if (entrance != null) {
            entrance.say(stream, line);
        }
    }

    private void endAtEntrance(int stream) {
        if (entrance != null) {
            entrance.end(stream);
        }
    }

    /** Whether the peer's agent, and so a proxy beside it, can be reached. */
    boolean reachesPeer() {
        return !links.isEmpty();
    }

    /** From now on the entrance leads to this host's proxy, or to the peer's; who is connected must connect once more. */
    void leadHere(boolean here) {
        leadsHere = here;
        if (entrance != null) {
            entrance.endAll();
        }
        shortcut.endAll();
        cameOver.clear();
        exit.endAll();
    }

    /** A link stands; the newest one takes what begins here. */
    void onUp(LinkConnection up) {
        links.addLast(up);
        endWhatWasBegunHere();
    }

    /** Whether the message was for this. Those of a link by which nothing was begun come to nobody. */
    boolean take(LinkConnection from, LinkMessage message) {
        switch (message) {
            case LinkMessage.WallLine line -> takeLine(from, line);
            case LinkMessage.WallStream stream -> takeStream(from, stream);
            default -> {
                return false;
            }
        }
        return true;
    }

    private void takeLine(LinkConnection from, LinkMessage.WallLine line) {
        if (isAnsweredByPeer()) {
            if (from.equals(links.peekLast())) {
                sayAtEntrance(line.stream(), line.line());
            }
        } else if (from.equals(cameOver.get(line.stream()))) {
            exit.say(line.stream(), line.line());
        }
    }

    private void takeStream(LinkConnection from, LinkMessage.WallStream stream) {
        if (isAnsweredByPeer()) {
            if (from.equals(links.peekLast())) {
                endAtEntrance(stream.stream());
            }
        } else if (stream.open()) {
            cameOver.put(stream.stream(), from);
            exit.begin(stream.stream());
        } else if (cameOver.remove(stream.stream(), from)) {
            exit.end(stream.stream());
        }
    }

    private boolean isAnsweredByPeer() {
        return entrance != null && !leadsHere;
    }

    void onDown(LinkConnection down) {
        boolean last = down.equals(links.peekLast());
        links.remove(down);
        if (last) {
            endWhatWasBegunHere();
        }
        cameOver.forEach((stream, link) -> {
            if (link.equals(down) && cameOver.remove(stream, link)) {
                exit.end(stream);
            }
        });
    }

    private void endWhatWasBegunHere() {
        if (entrance != null && isAnsweredByPeer()) {
            entrance.endAll();
        }
    }

    @Override
    public void close() throws IOException {
        if (entrance != null) {
            entrance.close();
        }
    }
}
