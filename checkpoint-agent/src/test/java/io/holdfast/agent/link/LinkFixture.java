package io.holdfast.agent.link;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** Two agents' ends of a link on loopback, with a thread each; closes everything that it made. */
final class LinkFixture implements AutoCloseable {

    static final long MS = 1_000_000;

    final Witness backup = new Witness();
    final Witness primary = new Witness();

    private final EventLoopGroup backupLoop = newLoop();
    private final EventLoopGroup primaryLoop = newLoop();
    private final Deque<Runnable> opened = new ArrayDeque<>();

    LinkServer serve(LinkSecurity security) throws LinkException {
        return serve(security, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    LinkServer serve(LinkSecurity security, InetSocketAddress address) throws LinkException {
        return serve(security, address, backup);
    }

    LinkServer serve(LinkSecurity security, InetSocketAddress address, LinkListener listener) throws LinkException {
        LinkServer server = LinkServer.bind(backupLoop, address, security, listener);
        opened.push(server::close);
        return server;
    }

    LinkClient connect(InetSocketAddress address, LinkSecurity security) {
        return connect(address, security, primary);
    }

    LinkClient connect(InetSocketAddress address, LinkSecurity security, LinkListener listener) {
        Backoff backoff = new Backoff(5 * MS, 100 * MS, new SplittableRandom(1));
        LinkClient client = new LinkClient(primaryLoop, address, security, listener, backoff);
        opened.push(client::close);
        client.start();
        return client;
    }

    @Override
    public void close() {
        while (!opened.isEmpty()) {
            opened.pop().run();
        }
        for (EventLoopGroup loop : new EventLoopGroup[] {primaryLoop, backupLoop}) {
            loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
        }
        backup.close();
        primary.close();
    }

    private static EventLoopGroup newLoop() {
        return new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    }
}
