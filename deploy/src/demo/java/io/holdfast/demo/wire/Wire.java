package io.holdfast.demo.wire;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.HostAndPort;

/**
 * One line between two programs, which goes through a {@link Trap}. Unix domain sockets carry lines, TCP carries bytes. A
 * listening socket that somebody deletes is made anew, because that is what agents do with the socket of a QEMU before
 * they start one.
 *
 * <p><b>Threads.</b> Some of its own, which end with the process.
 */
final class Wire {

    private static final int CHUNK_BYTES = 64 << 10;
    private static final long LOOK_MILLIS = 10;

    private final String listen;
    private final String connect;
    private final Trap trap;

    /**
     * A wire at rest.
     *
     * @param listen a path, or a port of the loopback address
     * @param connect a path, or an address and port
     */
    Wire(String listen, String connect, Trap trap) {
        this.listen = listen;
        this.connect = connect;
        this.trap = trap;
    }

    void start() {
        Thread.ofPlatform().name("listen-" + listen).daemon().start(this::listenForEver);
    }

    private boolean carriesLines() {
        return listen.startsWith("/");
    }

    private void listenForEver() {
        try {
            if (!carriesLines()) {
                accept(listener(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(listen))));
                return;
            }
            while (true) {
                Path path = Path.of(listen);
                if (!Files.exists(path)) {
                    ServerSocketChannel listener = listener(UnixDomainSocketAddress.of(path));
                    Thread.ofPlatform().daemon().start(() -> accept(listener));
                }
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (IOException | InterruptedException e) {
            System.err.println("cannot listen on " + listen + ": " + e);
            System.exit(1);
        }
    }

    private static ServerSocketChannel listener(SocketAddress address) throws IOException {
        boolean unix = address instanceof UnixDomainSocketAddress;
        return ServerSocketChannel.open(unix ? StandardProtocolFamily.UNIX : StandardProtocolFamily.INET)
                .bind(address);
    }

    private void accept(ServerSocketChannel listener) {
        try {
            while (true) {
                SocketChannel client = listener.accept();
                SocketChannel server = connectOrRefuse(client);
                if (server != null) {
                    Thread.ofPlatform().daemon().start(() -> pump(client, server, true));
                    Thread.ofPlatform().daemon().start(() -> pump(server, client, false));
                }
            }
        } catch (IOException e) {
            System.err.println("no longer listening on " + listen + ": " + e);
        }
    }

    private @Nullable SocketChannel connectOrRefuse(SocketChannel client) throws IOException {
        try {
            if (carriesLines()) {
                return SocketChannel.open(UnixDomainSocketAddress.of(connect));
            }
            HostAndPort server = HostAndPort.from(connect);
            return SocketChannel.open(new InetSocketAddress(InetAddress.ofLiteral(server.getHost()), server.getPort()));
        } catch (IOException e) {
            client.close(); // As if there were nobody: the client tries again.
            return null;
        }
    }

    /** Until one end closes, which closes the other; or until the trap is sprung, which closes nothing. */
    private void pump(SocketChannel from, SocketChannel to, boolean fromClient) {
        try {
            if (carriesLines()) {
                pumpLines(from, to, fromClient);
            } else {
                pumpBytes(from, to, fromClient);
            }
        } catch (IOException e) {
            // A reset, because somebody died and had not read everything; or the other direction has closed both.
        }
        if (!trap.isSprung()) {
            close(from);
            close(to);
        }
    }

    private static void close(SocketChannel end) {
        try {
            end.close();
        } catch (IOException e) {
            System.err.println("cannot close a connection: " + e);
        }
    }

    private void pumpLines(SocketChannel from, SocketChannel to, boolean fromClient) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (from.read(chunk.clear()) >= 0) {
            chunk.flip();
            while (chunk.hasRemaining()) {
                byte next = chunk.get();
                line.write(next);
                if (next == '\n') {
                    String text = line.toString(StandardCharsets.UTF_8);
                    if (!(fromClient ? trap.passesRequest(text) : trap.passesReply(text))) {
                        return;
                    }
                    write(to, ByteBuffer.wrap(line.toByteArray()));
                    line.reset();
                }
            }
        }
    }

    private void pumpBytes(SocketChannel from, SocketChannel to, boolean fromClient) throws IOException {
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
        while (!trap.isSprung() && from.read(chunk.clear()) >= 0) {
            chunk.flip();
            if (fromClient) {
                chunk.limit(trap.passesOfBytes(chunk.limit()));
            }
            write(to, chunk);
        }
    }

    private static void write(SocketChannel to, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            to.write(bytes);
        }
    }
}
