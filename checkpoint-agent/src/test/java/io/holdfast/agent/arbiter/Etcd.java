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
    private final String scheme;
    private final List<String> options;
    private final int clientPort;
    private final int peerPort;
    private @Nullable Process process;

    Etcd(Path directory) throws IOException {
        this(directory, "http", List.of());
    }

    private Etcd(Path directory, String scheme, List<String> options) throws IOException {
        this.directory = directory;
        this.scheme = scheme;
        this.options = options;
        List<Integer> ports = freePorts();
        this.clientPort = ports.getFirst();
        this.peerPort = ports.getLast();
        start();
    }

    /** One whose tokens end when they have not been used for so long. */
    static Etcd withTokensOf(Duration life, Path directory) throws IOException {
        return new Etcd(directory, "http", List.of("--auth-token-ttl=" + life.toSeconds()));
    }

    /** One whose tokens say of which version of users and roles they are: the pair of keys is that of a certificate. */
    static Etcd withTokensOfARevision(Path directory, Path publicKey, Path privateKey) throws IOException {
        return new Etcd(
                directory,
                "http",
                List.of("--auth-token=jwt,pub-key=%s,priv-key=%s,sign-method=ES256,ttl=10m"
                        .formatted(publicKey, privateKey)));
    }

    /** One that speaks TLS, and listens only to who has a certificate of the same authority. */
    static Etcd withTls(Path directory, Path authority, Path certificate, Path key) throws IOException {
        return new Etcd(
                directory,
                "https",
                List.of(
                        "--trusted-ca-file=" + authority,
                        "--cert-file=" + certificate,
                        "--key-file=" + key,
                        "--client-cert-auth"));
    }

    /** By address. */
    URI endpoint() {
        return endpoint("127.0.0.1");
    }

    /** By a name of loopback's. */
    URI endpoint(String name) {
        return URI.create(scheme + "://" + name + ":" + clientPort);
    }

    /** Nobody listens there. */
    static URI nowhere() throws IOException {
        return URI.create("http://127.0.0.1:" + freePorts().getFirst());
    }

    void start() {
        String peer = "http://127.0.0.1:" + peerPort;
        List<String> command = new ArrayList<>(List.of(
                "etcd",
                "--name=test",
                "--data-dir=" + directory.resolve("data"),
                "--listen-client-urls=" + endpoint(),
                "--advertise-client-urls=" + endpoint(),
                "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer,
                "--initial-cluster=test=" + peer));
        command.addAll(options);
        ProcessBuilder builder = new ProcessBuilder(command)
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
