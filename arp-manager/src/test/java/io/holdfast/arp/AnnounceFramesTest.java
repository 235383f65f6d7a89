package io.holdfast.arp;

import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.only;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.hex;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.VlanTag;
import io.holdfast.testkit.FrameBuilder;
import io.holdfast.testkit.Shell;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnnounceFramesTest {

    private static final VlanTag VLAN_10 = new VlanTag(0x8100, 10);
    private static final VlanTag SERVICE_100 = new VlanTag(0x88a8, 100);

    @Test
    void shouldWriteTheBytesOfTheStandards() {
        List<AnnounceFrame> frames = AnnounceFrames.build(nic(station(false)));
        assertThat(frames)
                .extracting(AnnounceFrame::form)
                .containsExactly(
                        AnnounceForm.RARP,
                        AnnounceForm.GARP_REQUEST,
                        AnnounceForm.GARP_REPLY,
                        AnnounceForm.NA,
                        AnnounceForm.NA);
        assertThat(bytes(frames.get(0)))
                .isEqualTo(padded("ffffffffffff 525400123456 8035 0001 0800 06 04 0003"
                        + " 525400123456 00000000 525400123456 00000000"));
        assertThat(bytes(frames.get(1)))
                .isEqualTo(padded("ffffffffffff 525400123456 0806 0001 0800 06 04 0001"
                        + " 525400123456 0a000005 000000000000 0a000005"));
        assertThat(bytes(frames.get(2)))
                .isEqualTo(padded("ffffffffffff 525400123456 0806 0001 0800 06 04 0002"
                        + " 525400123456 0a000005 525400123456 0a000005"));
        byte[] advertisement = bytes(frames.get(4));
        assertThat(Arrays.copyOf(advertisement, 56)) // up to the checksum, which tcpdump judges below
                .isEqualTo(hex("333300000001 525400123456 86dd 60000000 0020 3a ff"
                        + " 20010db8000000000000000000000005 ff020000000000000000000000000001 88 00"));
        assertThat(Arrays.copyOfRange(advertisement, 58, advertisement.length))
                .isEqualTo(hex("20000000 20010db8000000000000000000000005 02 01 525400123456"));
    }

    @Test
    void shouldRepeatEverythingForEachVlanWithTheAddressesUsedThere() {
        List<AnnounceFrame> frames = AnnounceFrames.build(
                nic(station(false), station(false, VLAN_10), station(false, SERVICE_100, VLAN_10)));
        assertThat(frames).hasSize(15);
        byte[] untagged = bytes(only(AnnounceForm.GARP_REPLY, frames).get(0));
        byte[] tagged = bytes(only(AnnounceForm.GARP_REPLY, frames).get(1));
        byte[] twice = bytes(only(AnnounceForm.GARP_REPLY, frames).get(2));
        assertThat(Arrays.copyOf(tagged, 46)).isEqualTo(insert(untagged, "8100 000a"));
        assertThat(Arrays.copyOf(twice, 50)).isEqualTo(insert(untagged, "88a8 0064 8100 000a"));
        assertThat(frames)
                .allSatisfy(frame -> assertThat(frame.memory().byteSize()).isGreaterThanOrEqualTo(60));
    }

    /** The judge knows nothing of this code. It also checks the ICMPv6 checksum. */
    @Test
    void shouldConvinceTcpdump(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("announcements.pcap");
        Files.write(file, pcap(AnnounceFrames.build(nic(station(true), station(false, VLAN_10)))));
        List<String> lines = Shell.run("tcpdump", "-Z", "root", "-r", file.toString(), "-n", "-e", "-vv", "-t")
                .lines()
                .map(String::strip)
                .toList();
        assertThat(String.join("\n", lines))
                .contains(
                        "52:54:00:12:34:56 > ff:ff:ff:ff:ff:ff, ethertype Reverse ARP (0x8035), length 60:"
                                + " Ethernet (len 6), IPv4 (len 4), Reverse Request who-is 52:54:00:12:34:56 tell 52:54:00:12:34:56")
                .contains("Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.5 tell 10.0.0.5")
                .contains("Ethernet (len 6), IPv4 (len 4), Reply 10.0.0.5 is-at 52:54:00:12:34:56")
                .contains("52:54:00:12:34:56 > 33:33:00:00:00:01, ethertype IPv6 (0x86dd), length 86: (hlim 255,"
                        + " next-header ICMPv6 (58) payload length: 32) 2001:db8::5 > ff02::1: [icmp6 sum ok] ICMP6,"
                        + " neighbor advertisement, length 32, tgt is 2001:db8::5, Flags [router, override]")
                .contains("ethertype 802.1Q (0x8100), length 90: vlan 10, p 0, ethertype IPv6 (0x86dd), (hlim 255,"
                        + " next-header ICMPv6 (58) payload length: 32) 2001:db8::5 > ff02::1: [icmp6 sum ok] ICMP6,"
                        + " neighbor advertisement, length 32, tgt is 2001:db8::5, Flags [override]")
                .contains("destination link-address option (2), length 8 (1): 52:54:00:12:34:56")
                .doesNotContain("bad icmp6 sum")
                .doesNotContain("solicited");
        assertThat(lines.stream().filter(line -> line.contains("vlan 10"))).hasSize(5);
        assertThat(lines.stream().filter(line -> line.contains("icmp6 sum ok"))).hasSize(4);
    }

    private static byte[] bytes(AnnounceFrame frame) {
        return frame.memory().toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] padded(String digits) {
        return Arrays.copyOf(hex(digits), 60);
    }

    /** The ARP frame without padding, with tags put in behind the addresses. */
    private static byte[] insert(byte[] frame, String tags) {
        return FrameBuilder.join(Arrays.copyOf(frame, 12), hex(tags), Arrays.copyOfRange(frame, 12, 42));
    }

    /** A capture file of these frames (draft-ietf-opsawg-pcap). */
    private static byte[] pcap(List<AnnounceFrame> frames) {
        byte[] file = hex("a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001");
        for (AnnounceFrame frame : frames) {
            byte[] bytes = bytes(frame);
            String length = "%08x".formatted(bytes.length);
            file = FrameBuilder.join(file, hex("00000000 00000000" + length + length), bytes);
        }
        return file;
    }
}
