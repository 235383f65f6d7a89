package io.holdfast.agent.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks the QEMU Machine Protocol over a Unix socket: newline-delimited JSON, commands with an id, replies in any order,
 * events in between (QEMU's docs/interop/qmp-spec).
 *
 * <p>A line that is not understood is logged and left out; the command that it may have answered then runs into its time
 * limit. Only the end of the connection counts as loss.
 *
 * <p><b>Threads.</b> Commands may be given by any thread. The listener is called on this client's reading thread and must
 * not wait for a command.
 */
final class QmpClient implements AutoCloseable {

    /** Is told what nobody asked for. */
    interface Listener {

        void onEvent(String name, JsonNode data);

        /** The connection ended without {@link #close}. Called once. */
        void onLost(String reason);
    }

    /** What QEMU answers to a command. */
    sealed interface Reply {

        record Returned(JsonNode value) implements Reply {}

        record Refused(String errorClass, String description) implements Reply {}
    }

    private static final Logger LOG = LoggerFactory.getLogger(QmpClient.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int READ_BYTES = 64 << 10;
    /** QEMU's longest answers have some 200 KB. */
    private static final int MAX_LINE_BYTES = 16 << 20;
    /** A pause takes milliseconds; a QEMU that needs this long is stuck. */
    private static final long COMMAND_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Path socket;
    private final Listener listener;
    private final SocketChannel channel;
    private final CompletableFuture<JsonNode> greeting = new CompletableFuture<>();
    private final Map<Long, CompletableFuture<Reply>> unanswered = new ConcurrentHashMap<>();
    private final AtomicLong lastId = new AtomicLong();
    private final Object writing = new Object();
    private volatile boolean closed;
    private volatile @Nullable String lost;

    private QmpClient(Path socket, Listener listener) throws IOException {
        this.socket = socket;
        this.listener = listener;
        this.channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    }

    /**
     * Connects and negotiates capabilities.
     *
     * @param limitNanos how long QEMU may take to greet
     * @throws GuestUnreachableException if somebody is there, who does not answer in time
     */
    static QmpClient connect(Path socket, long limitNanos, Listener listener) throws EngineException {
        QmpClient client;
        try {
            client = new QmpClient(socket, listener);
        } catch (IOException e) {
            throw new EngineException("cannot open a Unix socket: " + e.getMessage(), e);
        }
        // Connecting can block while another client waits in the queue, so it too belongs to the reading thread.
        Thread.ofPlatform().daemon().name("qmp-" + socket.getFileName()).start(client::run);
        try {
            client.greeting.get(limitNanos, TimeUnit.NANOSECONDS);
            client.execute("qmp_capabilities");
            return client;
        } catch (TimeoutException e) {
            client.close();
            throw new GuestUnreachableException(
                    "QMP socket %s accepted the connection but did not greet: it serves one client at a time, so end the other one"
                            .formatted(socket),
                    e);
        } catch (ExecutionException e) {
            client.close();
            throw new EngineException(
                    "cannot reach QEMU at QMP socket %s: %s; is QEMU running with -qmp unix:%s,server=on,wait=off?"
                            .formatted(socket, messageOf(e.getCause()), socket),
                    e);
        } catch (InterruptedException e) {
            client.close();
            Thread.currentThread().interrupt();
            throw new EngineException("interrupted while connecting to " + socket, e);
        } catch (EngineException e) {
            client.close();
            throw e;
        }
    }

    boolean isConnected() {
        return !closed && lost == null;
    }

    /** Executes a command without arguments; see {@link #execute(String, Map)}. */
    JsonNode execute(String command) throws EngineException {
        return execute(command, Map.of());
    }

    /** Executes a command and returns what it returned; its refusal is an exception. */
    JsonNode execute(String command, Map<String, ?> arguments) throws EngineException {
        return switch (call(command, arguments)) {
            case Reply.Returned returned -> returned.value();
            case Reply.Refused refused ->
                throw new EngineException("QEMU at %s refused %s: %s (%s)"
                        .formatted(socket, command, refused.description(), refused.errorClass()));
        };
    }

    /** Executes a command and returns QEMU's answer, whichever it is. */
    Reply call(String command, Map<String, ?> arguments) throws EngineException {
        long id = lastId.incrementAndGet();
        ObjectNode message = JSON.createObjectNode().put("execute", command).put("id", id);
        if (!arguments.isEmpty()) {
            message.set("arguments", JSON.valueToTree(arguments));
        }
        CompletableFuture<Reply> answer = new CompletableFuture<>();
        unanswered.put(id, answer);
        try {
            write(message);
            String reason = lost;
            if (reason != null) {
                throw new IOException(reason);
            }
            return answer.get(COMMAND_LIMIT_NANOS, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new GuestUnreachableException(
                    "QEMU at %s did not answer %s within %d s: the process is stuck or stopped; look at it, or kill it"
                            .formatted(socket, command, TimeUnit.NANOSECONDS.toSeconds(COMMAND_LIMIT_NANOS)),
                    e);
        } catch (IOException | ExecutionException e) {
            Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
            throw new EngineException(
                    "QEMU at %s is gone, %s was not executed: %s".formatted(socket, command, messageOf(cause)), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException("interrupted while waiting for " + command + " at " + socket, e);
        } finally {
            unanswered.remove(id);
        }
    }

    /** Ends the connection, which QEMU does not mind. Idempotent. */
    @Override
    public void close() {
        closed = true;
        closeChannel();
    }

    private void write(ObjectNode message) throws IOException {
        byte[] line = JSON.writeValueAsBytes(message);
        ByteBuffer buffer =
                ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').flip();
        synchronized (writing) {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }
    }

    private void run() {
        String reason;
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            readLines();
            reason = "QEMU closed the connection";
        } catch (IOException | RuntimeException e) {
            reason = messageOf(e);
        }
        lost = reason;
        IOException end = new IOException(reason);
        boolean wasGreeted = !greeting.completeExceptionally(end);
        unanswered.values().forEach(answer -> answer.completeExceptionally(end));
        closeChannel();
        if (wasGreeted && !closed) {
            listener.onLost(reason);
        }
    }

    private void readLines() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (channel.read(buffer.clear()) >= 0) {
            byte[] bytes = buffer.array();
            int start = 0;
            for (int i = 0; i < buffer.position(); i++) {
                if (bytes[i] == '\n') {
                    line.write(bytes, start, i - start);
                    onLine(line.toByteArray());
                    line.reset();
                    start = i + 1;
                }
            }
            line.write(bytes, start, buffer.position() - start);
            if (line.size() > MAX_LINE_BYTES) {
                throw new IOException("a line of more than " + MAX_LINE_BYTES + " bytes: this is not QMP");
            }
        }
    }

    private void onLine(byte[] line) {
        JsonNode message;
        try {
            message = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            ignore(line, "it is not JSON");
            return;
        } catch (IOException e) {
            ignore(line, messageOf(e));
            return;
        }
        if (message.has("QMP")) {
            greeting.complete(message.get("QMP"));
        } else if (message.has("event")) {
            listener.onEvent(message.get("event").asText(), message.path("data"));
        } else if (message.has("return")) {
            answer(message, line, new Reply.Returned(message.get("return")));
        } else if (message.has("error")) {
            JsonNode error = message.get("error");
            answer(
                    message,
                    line,
                    new Reply.Refused(
                            error.path("class").asText(), error.path("desc").asText()));
        } else if (!message.isMissingNode()) {
            ignore(line, "it is neither greeting, event nor reply");
        }
    }

    private void answer(JsonNode message, byte[] line, Reply reply) {
        CompletableFuture<Reply> waiting = unanswered.get(message.path("id").asLong(-1));
        if (waiting == null || !waiting.complete(reply)) {
            ignore(line, "nobody waits for this reply");
        }
    }

    private void ignore(byte[] line, String reason) {
        String shown = new String(line, 0, Math.min(line.length, 200), StandardCharsets.US_ASCII);
        LOG.warn(
                "QMP {}: left out a line, {}: {}", socket, reason, shown.strip().replaceAll("[^ -~]", "?"));
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing QMP socket {}", socket, e);
        }
    }

    private static String messageOf(@Nullable Throwable e) {
        if (e == null) {
            return "unknown reason";
        }
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }
}
