package io.holdfast.agent.engine;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How a QEMU is started that waits for a device state ({@code -incoming defer}), and how it is given one. */
final class IncomingQemu {

    private static final Logger LOG = LoggerFactory.getLogger(IncomingQemu.class);
    private static final long START_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long GREETING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(3);
    private static final long LOAD_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long START_POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long LOAD_POLL_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
    private static final int LOG_TAIL_LINES = 5;

    private IncomingQemu() {}

    /**
     * Starts a command, which gets {@code -incoming defer}, and {@code -S}: it executes nothing until it is told to.
     *
     * @param log takes what it prints; an earlier one is overwritten
     */
    static QemuProcess launch(List<String> command, Path log) throws EngineException {
        List<String> waiting = new ArrayList<>(command);
        waiting.addAll(List.of("-S", "-incoming", "defer"));
        try {
            Process started = new ProcessBuilder(waiting)
                    .redirectInput(Path.of("/dev/null").toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            return QemuProcess.withPid(started.pid())
                    .orElseThrow(() -> new EngineException("%s ended at once%s".formatted(waiting, tailOf(log))));
        } catch (IOException e) {
            throw new EngineException("cannot start %s: %s; check agent.qemu.command".formatted(waiting, e), e);
        }
    }

    /**
     * Connects to the QMP socket of a process as soon as it listens.
     *
     * @param socket where it is for us
     * @param namedSocket where {@code agent.qemu.command} has it
     */
    static QmpClient connect(QemuProcess process, Path socket, Path namedSocket, Path log, QmpClient.Listener listener)
            throws EngineException {
        long deadlineNanos = System.nanoTime() + START_LIMIT_NANOS;
        while (true) {
            if (!process.isAlive()) {
                throw new EngineException("QEMU process %d ended before it could wait; check agent.qemu.command%s"
                        .formatted(process.pid(), tailOf(log)));
            }
            try {
                // Not asked before whether it is there: access(2) forgets capabilities, without which a process in
                // other
                // namespaces cannot be seen by an agent that is not root.
                return QmpClient.connect(socket, GREETING_LIMIT_NANOS, listener);
            } catch (EngineException e) {
                LOG.debug("QEMU process {} does not listen yet", process.pid(), e);
            }
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new EngineException(
                        "QEMU process %d does not listen on %s; agent.qemu.command must contain -qmp unix:%s,server=on,wait=off%s"
                                .formatted(process.pid(), namedSocket, namedSocket, tailOf(log)));
            }
            LockSupport.parkNanos(START_POLL_NANOS);
        }
    }

    /**
     * Gives it a state, and returns when it has taken it. The guest has executed nothing then, nor after a failure.
     *
     * @param stream of {@link RestoreStream}
     * @param incoming where the socket that takes it is for us
     */
    static void load(QmpClient qmp, byte[] stream, Path incoming) throws EngineException {
        inject(stream, incoming);
        awaitLoaded(qmp);
    }

    /** Has it execute the guest whose state it has taken. After a failure nobody knows whether it does. */
    static void resume(QmpClient qmp) throws EngineException {
        qmp.execute("cont");
        String state = stateOf(qmp);
        if (!state.equals("running")) {
            throw new EngineException("when told to run the guest it is in state \"%s\"".formatted(state));
        }
    }

    private static void inject(byte[] stream, Path incoming) throws EngineException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(incoming));
            ByteBuffer buffer = ByteBuffer.wrap(stream);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        } catch (IOException e) {
            throw new EngineException("cannot give it the state over %s: %s".formatted(incoming, e.getMessage()), e);
        }
    }

    private static void awaitLoaded(QmpClient qmp) throws EngineException {
        long deadlineNanos = System.nanoTime() + LOAD_LIMIT_NANOS;
        while (true) {
            String state = stateOf(qmp);
            if (state.equals("paused")) {
                return;
            }
            if (!state.equals("inmigrate")) {
                throw new EngineException("after loading the state it is in state \"%s\"".formatted(state));
            }
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new EngineException("still in state \"%s\" after %d s"
                        .formatted(state, TimeUnit.NANOSECONDS.toSeconds(LOAD_LIMIT_NANOS)));
            }
            LockSupport.parkNanos(LOAD_POLL_NANOS);
        }
    }

    private static String stateOf(QmpClient qmp) throws EngineException {
        return qmp.execute("query-status").path("status").asText();
    }

    /** The end of what it printed, to be put behind a sentence. */
    static String tailOf(Path log) {
        try {
            List<String> lines = Files.readAllLines(log);
            List<String> tail = lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size());
            return tail.isEmpty() ? "" : "; it said: " + String.join(" / ", tail);
        } catch (IOException e) {
            return "";
        }
    }
}
