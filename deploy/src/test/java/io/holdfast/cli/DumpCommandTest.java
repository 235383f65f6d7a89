package io.holdfast.cli;

import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.tcp;
import static io.holdfast.testkit.FrameBuilder.udp;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.holdfast.cli.proxy.Engine;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.frame.Checksums;
import io.holdfast.port.PacketSocketPort;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * Real TCP and UDP between two namespaces, across a running proxy, as tshark sees it in a dump. The guest's and the
 * client's end of the cables are in namespaces of their own, so that their kernels have no shorter way to each other.
 */
@InNetworkNamespace
class DumpCommandTest {

    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String GUEST = "10.7.0.10";
    private static final String CLIENT = "10.7.0.1";
    private static final String GUEST_MAC = "52:54:00:00:00:01";
    private static final String CLIENT_MAC = "52:54:00:00:00:02";
    private static final int INTERRUPTED = 130;
    private static final int BULK_BYTES = 2 << 20;

    /** tshark's word for a checksum that it has computed and found right. */
    private static final String GOOD = "1";

    @TempDir
    Path directory;

    private final String guestPlace = "hfdump-g" + ProcessHandle.current().pid();
    private final String clientPlace = "hfdump-c" + ProcessHandle.current().pid();
    private final List<Process> processes = new ArrayList<>();

    /** What a command printed, and how it ended. */
    private record Outcome(int exitCode, String err) {}

    @BeforeEach
    void requireTshark() throws Exception {
        try {
            new ProcessBuilder("tshark", "--version")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new AssertionError("tshark is missing, and without it nobody knows: apt-get install tshark", e);
        }
    }

    @AfterEach
    void cleanUp() throws Exception {
        for (Process process : processes) {
            // What socat has forked lives on without it.
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
        for (String place : List.of(guestPlace, clientPlace)) {
            new ProcessBuilder("ip", "netns", "del", place)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"packet-socket", "pcap"})
    void shouldShowTsharkFramesWithGoodChecksums(String port) throws Exception {
        Path file = directory.resolve("dump.pcapng");
        try (HoldfastProxy proxy = startProxy(port);
                Engine engine = openWall()) {
            Process dump = dumpTo(file);
            talk();
            pressCtrlC(dump);
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");

        assertThat(distinct(
                        file,
                        "(tcp || udp) && !icmp",
                        "ip.checksum.status",
                        "tcp.checksum.status",
                        "udp.checksum.status"))
                .as("checksums of IPv4, TCP and UDP; IPv6 has none of its own")
                .containsExactlyInAnyOrder("1\t1\t", "1\t\t1", "\t1\t", "\t\t1");
        assertThat(distinct(file, "tcp.len > 0", "frame.interface_name", "ip.version"))
                .as("TCP with payload")
                .containsExactly("tap0\t4", "tap0\t6", "up0\t4", "up0\t6");
        assertThat(fields(file, "_ws.malformed || _ws.short || tcp.analysis.ack_lost_segment", "frame.number"))
                .as("malformed, cut or missing frames")
                .isEmpty();
        List<String> lengths = fields(file, "tcp", "frame.len");
        long longest = lengths.stream().mapToLong(Long::parseLong).max().orElseThrow();
        if (port.equals("pcap")) {
            assertThat(longest).isLessThanOrEqualTo(1_518);
        } else {
            assertThat(longest).as("offloads were on, so frames came merged").isGreaterThan(9_000);
        }
        assertThat(distinct(file, "frame", "frame.interface_name", "frame.packet_flags_direction"))
                .as("outbound and inbound")
                .containsExactly("tap0\t0x00000002", "up0\t0x00000001");
        assertThat(distinct(file, "frame.interface_name == tap0", "frame.comment"))
                .allMatch(comment -> comment.matches("epoch [0-9]+, passed"));
        assertThat(fields(file, "frame.time_delta < 0", "frame.number"))
                .as("frames that stand behind later ones")
                .hasSizeLessThan(lengths.size() / 20 + 1);
    }

    /** Not from a VLAN interface, which not every kernel has: unfinished frames with a tag, as such a one sends them. */
    @Test
    void shouldCompleteTheChecksumsOfTaggedFrames() throws Exception {
        Path file = directory.resolve("dump.pcapng");
        VethPair.create("tap0", "guest0");
        VethPair.create("up0", "net0");
        try (HoldfastProxy proxy = startPlugged("packet-socket");
                Engine engine = openWall();
                PacketSocketPort guest = PacketSocketPort.open("guest0");
                PacketSocketPort net = PacketSocketPort.open("net0")) {
            Process dump = dumpTo(file, "--frames", "2");
            byte[] segment = tcp(6379, 40_000, 0x18, new byte[333]);
            sendUnfinished(
                    guest,
                    ethernet(CLIENT_MAC, GUEST_MAC).tag(0x8100, 10).ipv4("10.7.0.10", "10.7.0.1", 64, 6, segment),
                    segment.length,
                    16);
            byte[] datagram = udp(53, 40_000, new byte[77]);
            sendUnfinished(
                    net,
                    ethernet(GUEST_MAC, CLIENT_MAC).tag(0x8100, 10).ipv6("fd07::1", "fd07::10", 64, 17, datagram),
                    datagram.length,
                    6);
            assertThat(dump.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        }
        assertThat(fields(file, "vlan.id == 10 && tcp.len == 333", "tcp.checksum.status"))
                .containsExactly(GOOD);
        assertThat(fields(file, "vlan.id == 10 && ipv6 && udp.length == 85", "udp.checksum.status"))
                .containsExactly(GOOD);
    }

    /** With the sum of the pseudo header where the checksum belongs, and a prefix that says so. */
    private static void sendUnfinished(PacketSocketPort port, byte[] frame, int segmentBytes, int fieldOffset) {
        int prefixBytes = port.prefixBytes();
        int start = frame.length - segmentBytes;
        int addressesBytes = fieldOffset == 16 ? 8 : 32;
        int protocol = fieldOffset == 16 ? 6 : 17;
        long sum = (long) protocol + segmentBytes;
        for (int i = start - addressesBytes; i < start; i += 2) {
            sum += (frame[i] & 0xff) << 8 | (frame[i + 1] & 0xff);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(prefixBytes + frame.length, 8);
            memory.set(ValueLayout.JAVA_BYTE, 0, (byte) 1); // VIRTIO_NET_HDR_F_NEEDS_CSUM
            memory.set(ValueLayout.JAVA_SHORT, 6, (short) start);
            memory.set(ValueLayout.JAVA_SHORT, 8, (short) fieldOffset);
            MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, prefixBytes, frame.length);
            int folded = ~Checksums.finish(sum) & 0xffff;
            long field = (long) prefixBytes + start + fieldOffset;
            memory.set(ValueLayout.JAVA_BYTE, field, (byte) (folded >>> 8));
            memory.set(ValueLayout.JAVA_BYTE, field + 1, (byte) folded);
            assertThat(port.send(memory, prefixBytes, frame.length)).isTrue();
        }
    }

    @Test
    void shouldEndWholeOnCtrlCAndLeaveTheProxyCarrying() throws Exception {
        Path file = directory.resolve("dump.pcapng");
        try (HoldfastProxy proxy = startProxy("packet-socket");
                Engine engine = openWall()) {
            engine.execute("subscribe", "{}");
            Process dump = dumpTo(file, "--filter", "outbound");
            inPlace(guestPlace, "ping", "-c", "3", "-i", "0.1", CLIENT);
            pressCtrlC(dump);
            awaitEnd(engine, "asked");
            inPlace(guestPlace, "ping", "-c", "1", CLIENT);
        }
        // Of a file that was cut short, tshark would complain.
        assertThat(fields(file, "icmp.type == 8", "frame.number")).hasSize(3);
        assertThat(distinct(file, "frame", "frame.interface_name")).containsExactly("tap0");
        assertThat(Shell.run("capinfos", file.toString())).contains("Name = tap0", "Number of stat entries = 1");
    }

    @Test
    void shouldStopCopyingWhenTheCommandIsKilledAndThenDumpForSomebodyElse() throws Exception {
        try (HoldfastProxy proxy = startProxy("packet-socket");
                Engine engine = openWall()) {
            engine.execute("subscribe", "{}");
            Process dump = dumpTo(directory.resolve("first.pcapng"));
            assertThat(holdfast("dump", "--yes", "--reason", "test", "--out", directory + "/refused").err)
                    .contains("DumpRunning");
            assertThat(directory.resolve("refused")).doesNotExist();
            dump.destroyForcibly().waitFor();
            awaitEnd(engine, "reader-gone");
            Outcome second = holdfast(
                    "dump", "--yes", "--reason", "test", "--out", directory + "/second.pcapng", "--seconds", "1");
            assertThat(second.exitCode).as(second.err).isZero();
            assertThat(second.err).contains("none missed", "as long as it should");
        }
    }

    @Test
    void shouldStreamIntoTshark() throws Exception {
        try (HoldfastProxy proxy = startProxy("packet-socket");
                Engine engine = openWall()) {
            String command = String.join(
                    " ", holdfastCommand("dump", "--yes", "--reason", "test", "--out", "-", "--frames", "6"));
            Path seen = directory.resolve("seen");
            Process pipe = start(List.of(), "sh", "-c", command + " | tshark -l -n -r - -T fields -e ip.src > " + seen);
            start(List.of(guestPlace), "ping", "-q", "-i", "0.1", CLIENT);
            assertThat(pipe.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(Files.readAllLines(seen)).hasSize(6).contains(GUEST, CLIENT);
        }
    }

    @Test
    void shouldNotWriteOverAFileNorTakeNonsense() throws Exception {
        try (HoldfastProxy proxy = startProxy("packet-socket")) {
            Path precious = Files.writeString(directory.resolve("precious"), "precious");
            Outcome over = holdfast("dump", "--yes", "--reason", "test", "--out", precious.toString());
            assertThat(over.exitCode).isEqualTo(ExitCode.FAILED);
            assertThat(over.err).contains("exists already");
            assertThat(precious).hasContent("precious");
            String none = directory + "/none";
            assertThat(holdfast("dump", "--yes", "--reason", "test").err).contains("--out");
            assertThat(holdfast("dump", "--yes", "--reason", "test", "--out", none, "--nic", "7").err)
                    .contains("`nic` is 7; allowed is 0 to 0");
            assertThat(holdfast("dump", "--yes", "--reason", "test", "--out", none, "--filter", "outbond").err)
                    .contains("did you mean `outbound`");
            assertThat(holdfast("dump", "--yes", "--reason", "test", "--out", none, "--max-bytes", "1KiB").err)
                    .contains("131072");
            assertThat(holdfast("dump", "--yes", "--reason", "test", "--out", none, "--max-bytes", "much").exitCode)
                    .isEqualTo(ExitCode.USAGE);
        }
    }

    // ---- the stage: guest (netns) === tap0 [proxy] up0 === client (netns)

    private HoldfastProxy startProxy(String port) throws Exception {
        plugIn(guestPlace, "guest0", "tap0", 10, port);
        plugIn(clientPlace, "net0", "up0", 1, port);
        return startPlugged(port);
    }

    private HoldfastProxy startPlugged(String port) throws Exception {
        Files.writeString(config(), """
                guest: redis
                host: a
                runtime-directory: %1$s/run
                state-directory: %1$s/state
                proxy:
                  port: %2$s
                  nics: [{guest-port: tap0, uplink: up0}]
                """.formatted(directory, port));
        return HoldfastProxy.start(HoldfastConfig.read(config()), false, "test");
    }

    private void plugIn(String place, String far, String near, int host, String port) {
        VethPair.create(near, far);
        Shell.run("ip", "netns", "add", place);
        Shell.run("ip", "link", "set", far, "netns", place);
        inPlace(place, "ip", "link", "set", "lo", "up");
        inPlace(place, "ip", "link", "set", far, "up");
        inPlace(place, "ip", "addr", "add", "10.7.0." + host + "/24", "dev", far);
        inPlace(place, "ip", "addr", "add", "fd07::" + host + "/64", "dev", far, "nodad");
        if (port.equals("pcap")) {
            String[] off = {"tx", "off", "tso", "off", "gso", "off", "gro", "off"};
            Shell.run(join("ethtool", "-K", near, off));
            inPlace(place, join("ethtool", "-K", far, off));
        }
    }

    private static String[] join(String first, String second, String third, String[] rest) {
        List<String> all = new ArrayList<>(List.of(first, second, third));
        all.addAll(Arrays.asList(rest));
        return all.toArray(String[]::new);
    }

    private static String inPlace(String place, String... command) {
        List<String> all = new ArrayList<>(List.of("ip", "netns", "exec", place));
        all.addAll(List.of(command));
        return Shell.run(all.toArray(String[]::new));
    }

    private Engine openWall() throws Exception {
        Engine engine = new Engine(HoldfastConfig.read(config()).proxySocket());
        engine.hello(1);
        engine.wallCommand("open", ", \"reason\": \"test\"");
        return engine;
    }

    /** Bulk both ways over IPv4 and IPv6, and datagrams both ways. */
    private void talk() throws Exception {
        bulk("TCP4-LISTEN:5001", "TCP4:" + GUEST + ":5001");
        bulk("TCP6-LISTEN:5002", "TCP6:[fd07::10]:5002");
        start(List.of(guestPlace), "socat", "UDP4-LISTEN:5004,fork", "EXEC:cat");
        start(List.of(guestPlace), "socat", "UDP6-LISTEN:5005,fork", "EXEC:cat");
        awaitListener("-u", 5004);
        awaitListener("-u", 5005);
        for (String server : List.of("UDP4:" + GUEST + ":5004", "UDP6:[fd07::10]:5005")) {
            assertThat(inPlace(clientPlace, "sh", "-c", "echo something odd | socat -t 1 - " + server))
                    .isEqualTo("something odd\n");
        }
    }

    /** The client sends bytes and gets as many back. */
    private void bulk(String listen, String connect) throws Exception {
        start(List.of(guestPlace), "socat", "-t", "20", listen + ",reuseaddr", "EXEC:cat");
        awaitListener("-t", Integer.parseInt(listen.substring(listen.indexOf(':') + 1)));
        String command = "head -c %d /dev/zero | socat -t 20 - %s | wc -c".formatted(BULK_BYTES, connect);
        assertThat(inPlace(clientPlace, "sh", "-c", command).strip()).isEqualTo(Integer.toString(BULK_BYTES));
    }

    private void awaitListener(String kind, int port) {
        await().atMost(LIMIT)
                .until(() -> inPlace(guestPlace, "ss", kind, "-lnH").contains(":" + port));
    }

    private Process start(List<String> place, String... command) throws IOException {
        List<String> all = new ArrayList<>();
        place.forEach(name -> all.addAll(List.of("ip", "netns", "exec", name)));
        all.addAll(List.of(command));
        Process process = new ProcessBuilder(all)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        processes.add(process);
        return process;
    }

    /** A process of its own, that has begun to dump when this returns. */
    private Process dumpTo(Path file, String... options) throws IOException {
        List<String> command = holdfastCommand("dump", "--yes", "--reason", "test", "--out", file.toString());
        command.addAll(List.of(options));
        Process dump = start(List.of(), command.toArray(String[]::new));
        await().atMost(LIMIT).until(() -> !dump.isAlive() || (Files.exists(file) && Files.size(file) > 0));
        return dump;
    }

    private static void pressCtrlC(Process dump) throws InterruptedException {
        Shell.run("kill", "-INT", Long.toString(dump.pid()));
        assertThat(dump.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(dump.exitValue()).isEqualTo(INTERRUPTED);
    }

    private static void awaitEnd(Engine engine, String reason) {
        await().atMost(LIMIT)
                .until(() -> engine.events().stream()
                        .anyMatch(event -> event.name().equals("DUMP_ENDED")
                                && event.data().path("reason").asText().equals(reason)));
    }

    private Path config() {
        return directory.resolve("redis.yaml");
    }

    /** What tshark finds in the frames that a filter takes, a line each, with tabs between the fields. It starts slowly. */
    private static List<String> fields(Path file, String filter, String... fields) throws Exception {
        List<String> command =
                new ArrayList<>(List.of("tshark", "-n", "-r", file.toString(), "-Y", filter, "-T", "fields"));
        for (String protocol : List.of("ip", "tcp", "udp")) {
            command.addAll(List.of("-o", protocol + ".check_checksum:TRUE"));
        }
        for (String field : fields) {
            command.addAll(List.of("-e", field));
        }
        Process tshark = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<String> lines = new String(tshark.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(tshark.waitFor()).as("tshark's exit code for %s", filter).isZero();
        return lines;
    }

    private static Set<String> distinct(Path file, String filter, String... fields) throws Exception {
        return new TreeSet<>(fields(file, filter, fields));
    }

    private Outcome holdfast(String... command) {
        List<String> arguments = new ArrayList<>(List.of(command));
        arguments.addAll(List.of("--config", config().toString()));
        StringWriter err = new StringWriter();
        CommandLine line = Holdfast.commandLine()
                .setOut(new PrintWriter(new StringWriter(), true))
                .setErr(new PrintWriter(err, true));
        return new Outcome(line.execute(arguments.toArray(String[]::new)), err.toString());
    }

    private List<String> holdfastCommand(String... command) {
        List<String> all = new ArrayList<>(List.of(
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Holdfast.class.getName(),
                "--config",
                config().toString()));
        all.addAll(List.of(command));
        return all;
    }
}
