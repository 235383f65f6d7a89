package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.Checksums;
import io.holdfast.frame.Ipv4Packet;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.lang.foreign.MemorySegment;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PcapPortTest extends FramePortContract {

    @Override
    FramePort open(String interfaceName) throws PortException {
        return PcapPort.open(interfaceName);
    }

    @Test
    void shouldCountAndDropAFrameThatIsLongerThanItCanForward() throws Exception {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "set", "far0", "mtu", "9000");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            Shell.run("ip", "link", "set", "near0", "mtu", "9000");
            send(far, frame(4000, 1));
            send(far, frame(60, 2));
            near.awaitFrames(1);
            assertThat(near.frames.get(0)).hasSize(60);
            assertThat(near.port.counters().truncatedFrames()).isEqualTo(1);
        }
    }

    /** Why the guard of a port cannot tell from the port whether checksums will be finished. */
    @ParameterizedTest
    @CsvSource({"on, on", "on, off", "off, on", "off, off"})
    void shouldCaptureChecksumsAsTheSendingEndLeavesThem(String tx, String txOfSender) throws Exception {
        VethPair.create("near0", "far0");
        Shell.run("ip", "addr", "add", "10.7.0.2/24", "dev", "far0");
        Shell.run("ip", "neigh", "add", "10.7.0.1", "lladdr", "52:54:00:00:00:01", "dev", "far0");
        Shell.run("ethtool", "-K", "near0", "tx", tx);
        Shell.run("ethtool", "-K", "far0", "tx", txOfSender);
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far);
                DatagramSocket socket = new DatagramSocket()) {
            socket.send(new DatagramPacket(new byte[] {1, 2, 3}, 3, new InetSocketAddress("10.7.0.1", 9)));
            near.awaitFrames(1);
            assertThat(isChecksumFinished(near.frames.get(0))).isEqualTo(txOfSender.equals("off"));
        }
    }

    /** Of UDP over IPv4 without options. */
    private static boolean isChecksumFinished(byte[] frame) {
        MemorySegment memory = MemorySegment.ofArray(frame);
        Ipv4Packet packet = new Ipv4Packet();
        assertThat(packet.wrap(memory, 14, frame.length - 14)).isTrue();
        long sum = Checksums.pseudoHeaderIpv4(packet.source(), packet.destination(), 17, frame.length - 34);
        return Checksums.isCorrect(sum + Checksums.sum(memory, 34, frame.length - 34));
    }
}
