package io.holdfast.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A blocking client of the control protocol, for the command line and for the agent.
 *
 * <p>{@link #execute} may be called by several threads at once. One thread of the client's own reads, so that the end of the
 * connection is noticed at once even when nobody executes anything. Interrupting a thread inside {@code execute} may end the
 * connection.
 */
public final class ControlClient implements AutoCloseable {

    private static final ControlListener DEAF = new ControlListener() {};

    private final Path path;
    private final long timeoutNanos;
    private final ControlListener listener;
    private final SocketChannel channel;
    private final Thread reader;
    private final CompletableFuture<ObjectNode> greeting = new CompletableFuture<>();
    private final Map<Long, CompletableFuture<ObjectNode>> replies = new ConcurrentHashMap<>();
    private final AtomicLong lastId = new AtomicLong();
    private final AtomicReference<@Nullable String> endReason = new AtomicReference<>();
    private final Object writeLock = new Object();

    private ControlClient(Path path, Duration timeout, ControlListener listener) throws IOException {
        this.path = path;
        this.timeoutNanos = timeout.toNanos();
        this.listener = listener;
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        reader = Thread.ofPlatform().name("control-client").daemon().unstarted(this::read);
    }

    /**
     * Connects and waits for the greeting.
     *
     * @param timeout for connecting, and for each command that does not say otherwise
     * @throws ControlUnavailableException says why there is nobody to talk to and what to do
     */
    public static ControlClient connect(Path path, Duration timeout) throws ControlUnavailableException {
        return connect(path, timeout, DEAF);
    }

    /** Connects like {@link #connect(Path, Duration)}, with somebody who hears about events and about the end. */
    public static ControlClient connect(Path path, Duration timeout, ControlListener listener)
            throws ControlUnavailableException {
        ControlClient client;
        try {
            client = new ControlClient(path, timeout, listener);
        } catch (IOException e) {
            throw new ControlUnavailableException("cannot make a socket: " + e.getMessage(), e);
        }
        client.reader.start();
        try {
            client.await(client.greeting, client.timeoutNanos, "sent no greeting");
            return client;
        } catch (ControlUnavailableException e) {
            client.close();
            throw e;
        }
    }

    /** What the server is: {@code version}, {@code role}, {@code protocol}. */
    public JsonNode greeting() {
        return greeting.join().path("holdfast");
    }

    /** Executes a command within the client's timeout. */
    public JsonNode execute(String command, ObjectNode arguments) throws CommandException, ControlUnavailableException {
        return execute(command, arguments, Duration.ofNanos(timeoutNanos));
    }

    /**
     * Executes a command.
     *
     * @return the value of {@code "return"}
     * @throws CommandException if the server refuses
     * @throws ControlUnavailableException if no reply came; whether the command was carried out is then unknown
     */
    public JsonNode execute(String command, ObjectNode arguments, Duration timeout)
            throws CommandException, ControlUnavailableException {
        if (Thread.currentThread() == reader) {
            throw new IllegalStateException("a listener cannot wait for a reply that it would have to read itself");
        }
        long id = lastId.incrementAndGet();
        byte[] line = Messages.encode(Messages.request(command, arguments, id));
        if (line.length > Messages.LINE_LIMIT_BYTES) {
            throw new CommandException(
                    CommandException.LINE_TOO_LONG,
                    "the command would have " + line.length + " bytes; at most " + Messages.LINE_LIMIT_BYTES
                            + " are possible");
        }
        CompletableFuture<ObjectNode> reply = new CompletableFuture<>();
        replies.put(id, reply);
        try {
            // After put(): whoever ends the connection sets the reason first and then fails all waiting replies.
            String reason = endReason.get();
            if (reason != null) {
                throw new ControlUnavailableException(reason);
            }
            write(line);
            return result(await(reply, timeout.toNanos(), "did not answer `" + command + "`"));
        } finally {
            replies.remove(id);
        }
    }

    /** Ends the connection without a word to the listener. Commands that still wait fail. Any thread. */
    @Override
    public void close() {
        if (endReason.compareAndSet(null, "the connection to " + path + " was closed")) {
            release();
        }
    }

    private void write(byte[] line) throws ControlUnavailableException {
        ByteBuffer buffer =
                ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').flip();
        // A channel that is written to by an interrupted thread closes.
        if (Thread.currentThread().isInterrupted()) {
            throw new ControlUnavailableException("interrupted before a command was sent to " + path);
        }
        try {
            synchronized (writeLock) {
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
        } catch (IOException e) {
            end("the connection to " + path + " broke: " + e.getMessage());
            throw new ControlUnavailableException(endReason(), e);
        }
    }

    private ObjectNode await(CompletableFuture<ObjectNode> reply, long waitNanos, String complaint)
            throws ControlUnavailableException {
        try {
            return reply.get(waitNanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new ControlUnavailableException("the process at " + path + " " + complaint + " within "
                    + TimeUnit.NANOSECONDS.toMillis(waitNanos) + " ms; it may be stopped or overloaded");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ControlUnavailableException("interrupted while waiting for " + path, e);
        } catch (ExecutionException e) {
            throw new ControlUnavailableException(endReason(), e.getCause());
        }
    }

    private static JsonNode result(ObjectNode reply) throws CommandException {
        JsonNode error = reply.get("error");
        if (error != null) {
            throw new CommandException(
                    error.path("class").asText(CommandException.INTERNAL_ERROR),
                    error.path("desc").asText());
        }
        return reply.path("return");
    }

    private void read() {
        try {
            channel.connect(UnixDomainSocketAddress.of(path));
        } catch (ConnectException e) {
            end(nobodyListens());
            return;
        } catch (IOException e) {
            end(Files.exists(path) ? "cannot connect to " + path + ": " + e.getMessage() : nobodyListens());
            return;
        }
        try {
            LineReader lines = new LineReader(channel);
            for (ByteBuffer line = lines.next(); line != null; line = lines.next()) {
                receive(Messages.parse(line));
            }
            end("the process at " + path + " has closed the connection or ended");
        } catch (BadRequestException e) {
            end("the process at " + path + " does not speak the Holdfast control protocol: " + e.getMessage());
        } catch (IOException e) {
            end("the connection to " + path + " broke: " + e.getMessage());
        }
    }

    private void receive(ObjectNode message) throws BadRequestException {
        if (!greeting.isDone()) {
            receiveGreeting(message);
        } else if (message.has("event")) {
            receiveEvent(message);
        } else {
            CompletableFuture<ObjectNode> reply =
                    replies.remove(message.path("id").asLong());
            if (reply != null) {
                reply.complete(message);
            } else {
                log().debug("{}: nobody waits any more for {}", path, message);
            }
        }
    }

    private void receiveGreeting(ObjectNode message) throws BadRequestException {
        if (message.has("error")) {
            throw new BadRequestException(message.path("error").path("desc").asText(), null);
        }
        int protocol = message.path("holdfast").path("protocol").asInt();
        if (protocol != Messages.PROTOCOL) {
            throw new BadRequestException(
                    "its greeting is not that of protocol " + Messages.PROTOCOL + ": "
                            + Messages.excerpt(message.toString()),
                    null);
        }
        greeting.complete(message);
    }

    // A defect in a listener must not cost the connection.
    private void receiveEvent(ObjectNode message) {
        JsonNode timestamp = message.path("timestamp");
        Instant at = Instant.ofEpochSecond(
                timestamp.path("seconds").asLong(),
                timestamp.path("microseconds").asLong() * 1_000);
        ObjectNode data = message.path("data") instanceof ObjectNode object ? object : Messages.object();
        try {
            listener.onEvent(new ControlEvent(message.path("event").asText(), data, at));
        } catch (RuntimeException e) {
            log().error("{}: listener failed on {}", path, message, e);
        }
    }

    /** The connection ended by itself. */
    private void end(String reason) {
        if (endReason.compareAndSet(null, reason)) {
            boolean greeted = greeting.isDone();
            release();
            if (greeted) {
                try {
                    listener.onDisconnect(reason);
                } catch (RuntimeException e) {
                    log().error("{}: listener failed on the end of the connection", path, e);
                }
            }
        }
    }

    private void release() {
        try {
            channel.close();
        } catch (IOException e) {
            log().debug("{}: cannot close", path, e);
        }
        ControlUnavailableException failure = new ControlUnavailableException(endReason());
        greeting.completeExceptionally(failure);
        replies.values().forEach(reply -> reply.completeExceptionally(failure));
    }

    private String endReason() {
        String reason = endReason.get();
        return reason == null ? "the connection to " + path + " ended" : reason;
    }

    private String nobodyListens() {
        String process = path.getFileName().toString().replaceFirst("\\.sock$", "");
        return "nobody listens at " + path + "; is the " + process + " running?";
    }

    /** Looked up when there is something to say: to set up a logging system takes longer than most commands. */
    private static Logger log() {
        return LoggerFactory.getLogger(ControlClient.class);
    }
}
