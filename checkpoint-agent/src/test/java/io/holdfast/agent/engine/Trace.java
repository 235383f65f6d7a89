package io.holdfast.agent.engine;

import io.holdfast.reverse.model.TraceJudge;
import io.holdfast.reverse.model.Verdict;
import io.holdfast.reverse.model.Verdicts;
import io.holdfast.testkit.Shell;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapNativeException;
import org.pcap4j.core.Pcaps;

/** What tcpdump sees at a client's interface of its connections to a guest. */
final class Trace implements AutoCloseable {

    private static final long NANOS_PER_MILLI = 1_000_000L;
    private static final long LIMIT_SECONDS = 5;
    /** How tcpdump answers SIGUSR1. */
    private static final Pattern COUNTS =
            Pattern.compile("(?<written>\\d+) packets? captured, (?<seen>\\d+) packets? received by filter.*");

    private final int guestPort;
    private final Path file;
    private final Process tcpdump;
    private final BufferedReader messages;
    /** Frames of any kind, from before the filter was set. */
    private long seenBefore;

    private Trace(int guestPort, Path file, Process tcpdump) {
        this.guestPort = guestPort;
        this.file = file;
        this.tcpdump = tcpdump;
        this.messages = new BufferedReader(new InputStreamReader(tcpdump.getErrorStream(), StandardCharsets.US_ASCII));
    }

    /** Begins one, in the calling thread's network namespace, where no such connection is yet. */
    static Trace at(String interfaceName, int guestPort) throws IOException {
        Path file = Files.createTempFile("hf-trace-", ".pcap");
        String port = "tcp port " + guestPort;
        Process tcpdump = new ProcessBuilder(
                        "tcpdump",
                        "-i",
                        interfaceName,
                        "-Z",
                        "root",
                        "-B",
                        "65536",
                        "--immediate-mode",
                        "-U",
                        "-w",
                        file.toString(),
                        port + " or (vlan and " + port + ")")
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(tcpdump::destroy)); // Of a test that was interrupted.
        Trace trace = new Trace(guestPort, file, tcpdump);
        String line = trace.messages.readLine();
        while (line != null && !line.contains("listening on")) {
            line = trace.messages.readLine();
        }
        if (line == null) {
            throw new IllegalStateException("tcpdump has ended at once");
        }
        trace.seenBefore = trace.count("seen");
        return trace;
    }

    /** Reads all that was on the interface before this call. */
    TraceJudge read() throws PcapNativeException {
        awaitWritten();
        return readFile();
    }

    /** The kernel has a frame before tcpdump has it, by as long as tcpdump has to wait for a processor. */
    private void awaitWritten() {
        long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        long wanted = count("seen") - seenBefore;
        while (count("written") < wanted) {
            if (System.nanoTime() - deadlineNanos > 0) {
                throw new AssertionError("tcpdump does not write what it has seen in " + file);
            }
        }
    }

    private long count(String name) {
        Shell.run("kill", "-USR1", Long.toString(tcpdump.pid()));
        try {
            String line = String.valueOf(messages.readLine());
            Matcher counts = COUNTS.matcher(line);
            if (!counts.find()) {
                throw new AssertionError("tcpdump does not say what it has counted: " + line);
            }
            return Long.parseLong(counts.group(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private TraceJudge readFile() throws PcapNativeException {
        TraceJudge judge = new TraceJudge(guestPort);
        try (PcapHandle frames = Pcaps.openOffline(file.toString())) {
            for (byte[] frame = frames.getNextRawPacket(); frame != null; frame = frames.getNextRawPacket()) {
                long atNanos = frames.getTimestamp().getTime() * NANOS_PER_MILLI
                        + frames.getTimestamp().getNanos() % NANOS_PER_MILLI;
                judge.onFrame(MemorySegment.ofArray(frame), 0, frame.length, atNanos);
            }
        } catch (NotOpenException e) {
            throw new IllegalStateException(e);
        }
        return judge;
    }

    /** Up to where a client has got the guest's bytes, as a sequence number. */
    int positionOf(LineClient client) throws PcapNativeException {
        return read().from(client.ownPort()).orElseThrow().rcvNxt();
    }

    /**
     * Ends it, and insists that it is whole and that no client was sent anything that it had to reject.
     *
     * @throws AssertionError otherwise; the file is kept then
     */
    @Override
    public void close() throws Exception {
        try {
            awaitWritten();
        } finally {
            tcpdump.toHandle().destroy(); // Process.destroy() would close what it says.
        }
        String said = messages.lines().collect(Collectors.joining("; "));
        if (!tcpdump.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            tcpdump.destroyForcibly();
            throw new AssertionError("tcpdump does not end");
        }
        if (!said.contains("; 0 packets dropped by kernel")) {
            throw new AssertionError("the trace is not whole: " + said);
        }
        Verdicts verdicts = readFile().verdicts();
        // This network does not reorder, so that not even a segment that brings nothing may have an old timestamp.
        if (verdicts.faultCount() + verdicts.count(Verdict.PAWS_OLD) > 0) {
            throw new AssertionError(file + ": " + verdicts);
        }
        Files.delete(file);
    }
}
