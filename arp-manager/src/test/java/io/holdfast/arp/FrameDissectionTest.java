package io.holdfast.arp;

import static io.holdfast.arp.Announcements.GUEST_MAC;
import static io.holdfast.arp.Announcements.IPV4;
import static io.holdfast.arp.Announcements.IPV6;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.hex;
import static io.holdfast.testkit.FrameBuilder.join;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.MacAddress;
import io.holdfast.frame.SegmentWriter;
import io.holdfast.frame.TcpPath;
import io.holdfast.frame.TcpSegment;
import io.holdfast.frame.VlanTag;
import io.holdfast.testkit.Shell;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every form of frame that Holdfast makes itself, untagged and on a VLAN; the judge is tshark, which knows nothing of this code. */
class FrameDissectionTest {

    private static final MacAddress HOST = MacAddress.parse("02:00:00:00:00:0b");
    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);
    private static final int TAG_ON_THE_WIRE = 0x8100_000a;

    /** A reset is always told of. */
    private static final String RESET = "Connection reset (RST)";

    private static final List<String> FIELDS = List.of(
            "_ws.malformed",
            "_ws.expert.message",
            "eth.src",
            "vlan.id",
            "arp.opcode",
            "arp.isgratuitous",
            "arp.isprobe",
            "arp.src.proto_ipv4",
            "arp.dst.proto_ipv4",
            "ipv6.src",
            "ipv6.dst",
            "ipv6.hlim",
            "icmpv6.type",
            "icmpv6.checksum.status",
            "icmpv6.nd.ns.target_address",
            "icmpv6.nd.na.target_address",
            "icmpv6.nd.na.flag.r",
            "icmpv6.nd.na.flag.s",
            "icmpv6.nd.na.flag.o",
            "icmpv6.opt.linkaddr",
            "ip.checksum.status",
            "tcp.checksum.status",
            "tcp.flags.reset");

    private static final String GOOD = "1";

    @TempDir
    Path directory;

    @Test
    void shouldFindNothingWrongWithAnyFrame() throws IOException {
        List<byte[]> frames = Stream.of(
                        announcements(true), announcements(false, VLAN_10), probes(), probes(VLAN_10), resets())
                .flatMap(List::stream)
                .toList();
        assertThat(dissect(frames)).hasSameSizeAs(frames).allSatisfy(frame -> {
            assertThat(frame.get("_ws.malformed")).isEmpty();
            assertThat(frame.get("_ws.expert.message")).isIn("", RESET);
            for (String protocol : List.of("icmpv6", "ip", "tcp")) {
                assertThat(frame.get(protocol + ".checksum.status"))
                        .as(protocol)
                        .isIn("", GOOD);
            }
        });
    }

    /** One that cannot see it would not be a judge. */
    @Test
    void shouldFindAWrongChecksum() throws IOException {
        List<byte[]> frames = new ArrayList<>(probes());
        frames.getLast()[frames.getLast().length - 1] ^= 1;
        assertThat(dissect(frames).getLast().get("_ws.expert.message")).contains("Bad checksum");
        assertThat(dissect(frames).getLast().get("icmpv6.checksum.status")).isNotEqualTo(GOOD);
    }

    @Test
    void shouldAnnounceToSwitchesByReverseArp() throws IOException {
        assertThat(dissect(announcements(false)).getFirst())
                .containsEntry("arp.opcode", "3")
                .containsEntry("eth.src", GUEST_MAC);
    }

    @Test
    void shouldAnnounceIpv4ByGratuitousRequestAndReply() throws IOException {
        List<Map<String, String>> arp = dissect(announcements(false, VLAN_10)).subList(1, 3);
        assertThat(arp).extracting(frame -> frame.get("arp.opcode")).containsExactly("1", "2");
        assertThat(arp)
                .allSatisfy(frame -> assertThat(frame)
                        .containsEntry("arp.isgratuitous", GOOD)
                        .containsEntry("arp.src.proto_ipv4", IPV4)
                        .containsEntry("vlan.id", "10"));
    }

    @Test
    void shouldAnnounceIpv6UnsolicitedWithOverrideAndTheRouterFlagOfTheGuest() throws IOException {
        Map<String, String> ofRouter = dissect(announcements(true)).getLast();
        assertThat(ofRouter)
                .containsEntry("icmpv6.type", "136")
                .containsEntry("icmpv6.nd.na.target_address", IPV6)
                .containsEntry("icmpv6.nd.na.flag.s", "0")
                .containsEntry("icmpv6.nd.na.flag.o", "1")
                .containsEntry("icmpv6.nd.na.flag.r", "1")
                .containsEntry("icmpv6.opt.linkaddr", GUEST_MAC)
                .containsEntry("ipv6.dst", "ff02::1")
                .containsEntry("ipv6.hlim", "255");
        assertThat(dissect(announcements(false)).getLast()).containsEntry("icmpv6.nd.na.flag.r", "0");
    }

    /** INV-9. */
    @Test
    void shouldProbeIpv4FromTheHostsOwnMacAndNoAddress() throws IOException {
        assertThat(dissect(probes(VLAN_10)).getFirst())
                .containsEntry("arp.opcode", "1")
                .containsEntry("arp.isprobe", GOOD)
                .containsEntry("arp.isgratuitous", "")
                .containsEntry("arp.src.proto_ipv4", "0.0.0.0")
                .containsEntry("arp.dst.proto_ipv4", IPV4)
                .containsEntry("eth.src", HOST.toString())
                .containsEntry("vlan.id", "10");
    }

    /** INV-9. */
    @Test
    void shouldProbeIpv6FromTheHostsOwnMacAndNoAddress() throws IOException {
        assertThat(dissect(probes()).getLast())
                .containsEntry("icmpv6.type", "135")
                .containsEntry("icmpv6.nd.ns.target_address", IPV6)
                .containsEntry("icmpv6.opt.linkaddr", "")
                .containsEntry("ipv6.src", "::")
                .containsEntry("ipv6.dst", "ff02::1:ff00:5")
                .containsEntry("ipv6.hlim", "255")
                .containsEntry("eth.src", HOST.toString());
    }

    @Test
    void shouldResetConnections() throws IOException {
        assertThat(dissect(resets())).allSatisfy(frame -> assertThat(frame).containsEntry("tcp.flags.reset", "1"));
    }

    private static List<byte[]> announcements(boolean router, VlanTag... tags) {
        return AnnounceFrames.build(nic(station(router, tags))).stream()
                .map(frame -> bytes(frame.memory()))
                .toList();
    }

    private static List<byte[]> probes(VlanTag... tags) {
        return ProbeFrames.build(nic(station(false, tags)), HOST).stream()
                .map(FrameDissectionTest::bytes)
                .toList();
    }

    /** As a connection is given up in reverse mode, over IPv4 and IPv6. */
    private static List<byte[]> resets() {
        return Stream.of(
                        path(false, 0, 0, 0, 0xffff_0a00_0005L, 0xffff_0a00_0006L),
                        path(false, 1, TAG_ON_THE_WIRE, 0, 0xffff_0a00_0005L, 0xffff_0a00_0006L),
                        path(true, 0, 0, 0xfd00L << 48, 5, 6),
                        path(true, 1, TAG_ON_THE_WIRE, 0xfd00L << 48, 5, 6))
                .map(FrameDissectionTest::reset)
                .toList();
    }

    private static TcpPath path(boolean ipv6, int tags, int tag, long high, long source, long destination) {
        return new TcpPath(
                HOST.value(),
                MacAddress.parse(GUEST_MAC).value(),
                tags,
                tag,
                0,
                ipv6,
                high,
                source,
                high,
                destination,
                6379,
                40_000);
    }

    private static byte[] reset(TcpPath path) {
        MemorySegment memory = MemorySegment.ofArray(new byte[SegmentWriter.MAX_BYTES]);
        int lengthBytes = SegmentWriter.write(memory, 0, path, 1, 0, TcpSegment.RST, 0);
        return bytes(memory.asSlice(0, Math.max(lengthBytes, EthernetFrame.MIN_BYTES)));
    }

    /** For each frame its fields by name; empty text for one that it does not have. */
    private List<Map<String, String>> dissect(List<byte[]> frames) throws IOException {
        Path file = directory.resolve("frames.pcap");
        Files.write(file, pcap(frames));
        List<String> command = new ArrayList<>(List.of(
                "tshark", "-n", "-r", file.toString(), "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"));
        for (String preference : List.of("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE")) {
            command.addAll(List.of("-o", preference));
        }
        FIELDS.forEach(field -> command.addAll(List.of("-e", field)));
        return Shell.run(command.toArray(String[]::new))
                .lines()
                .filter(line -> line.indexOf('|') >= 0) // It also complains that it is run by root.
                .map(FrameDissectionTest::fields)
                .toList();
    }

    private static Map<String, String> fields(String line) {
        String[] values = line.split("\\|", -1);
        assertThat(values).as(line).hasSameSizeAs(FIELDS);
        Map<String, String> fields = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            fields.put(FIELDS.get(i), values[i]);
        }
        return fields;
    }

    /** A capture file (draft-ietf-opsawg-pcap). */
    private static byte[] pcap(List<byte[]> frames) {
        byte[] file = hex("a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001");
        for (byte[] frame : frames) {
            String length = "%08x".formatted(frame.length);
            file = join(file, hex("00000000 00000000" + length + length), frame);
        }
        return file;
    }

    private static byte[] bytes(MemorySegment frame) {
        return frame.toArray(ValueLayout.JAVA_BYTE);
    }
}
