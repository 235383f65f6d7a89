package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A real etcd of one member on loopback, with its data in a directory; it may be stopped, and started again. */
final class Etcd implements AutoCloseable {

    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final long STOP_LIMIT_SECONDS = 10;

    private final Path directory;
    private final int clientPort;
    private final int peerPort;
    private @Nullable Process process;

    Etcd(Path directory) throws IOException {
        this.directory = directory;
        List<Integer> ports = freePorts();
        this.clientPort = ports.getFirst();
        this.peerPort = ports.getLast();
        start();
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + clientPort);
    }

    /** Nobody listens there. */
    static URI nowhere() throws IOException {
        return URI.create("http://127.0.0.1:" + freePorts().getFirst());
    }

    void start() {
        String peer = "http://127.0.0.1:" + peerPort;
        ProcessBuilder builder = new ProcessBuilder(
                        "etcd",
                        "--name=test",
                        "--data-dir=" + directory.resolve("data"),
                        "--listen-client-urls=" + endpoint(),
                        "--advertise-client-urls=" + endpoint(),
                        "--listen-peer-urls=" + peer,
                        "--initial-advertise-peer-urls=" + peer,
                        "--initial-cluster=test=" + peer)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("log").toFile()));
        try {
            process = builder.start();
        } catch (IOException e) {
            fail("etcd cannot be run, which this test needs: apt-get install etcd-server (%s)", e.getMessage());
        }
        await().atMost(START_LIMIT).until(this::isServing);
    }

    private boolean isServing() throws IOException {
        if (process != null && !process.isAlive()) {
            fail("etcd has ended: %s", Files.readString(directory.resolve("log")));
        }
        try (Socket probe = new Socket()) {
            probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), clientPort), 200);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    void stop() throws InterruptedException {
        Process running = process;
        process = null;
        if (running != null) {
            running.destroy();
            if (!running.waitFor(STOP_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                running.destroyForcibly().waitFor();
            }
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop();
    }

    /** Bound at once, so that they differ. */
    private static List<Integer> freePorts() throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 2; i++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            return sockets.stream().map(ServerSocket::getLocalPort).toList();
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
    }
}
