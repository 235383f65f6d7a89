package io.holdfast.testkit;

import static io.holdfast.testkit.FrameBuilder.join;

import java.net.InetAddress;
import java.nio.ByteBuffer;

/** What the network says of a packet that it quotes, with its checksum; written without any of the code that is under test. */
public final class IcmpErrors {

    /** The type of "fragmentation needed", with code 4. */
    public static final int UNREACHABLE = 3;

    public static final int PACKET_TOO_BIG_V6 = 2;

    private static final int ICMPV6 = 58;
    private static final int MTU = 1_280;

    private IcmpErrors() {}

    public static byte[] icmp(int type, int code, byte[] quoted) {
        byte[] message = message(type, code, quoted);
        setShort(message, 2, complement(sum(message)));
        return message;
    }

    public static byte[] icmpv6(String source, String destination, int type, byte[] quoted) {
        byte[] message = message(type, 0, quoted);
        setShort(message, 2, complement(sum(join(pseudoHeader(source, destination, ICMPV6, message.length), message))));
        return message;
    }

    private static byte[] message(int type, int code, byte[] quoted) {
        byte[] header = ByteBuffer.allocate(8)
                .put((byte) type)
                .put((byte) code)
                .putInt(4, MTU)
                .array();
        return join(header, quoted);
    }

    /** Whether a receiver would take a message of ICMP. */
    public static boolean isCorrect(byte[] message) {
        return sum(message) == 0xffff;
    }

    /** Whether a receiver would take a message of ICMPv6, or a segment. */
    public static boolean isCorrect(String source, String destination, int protocol, byte[] payload) {
        return sum(join(pseudoHeader(source, destination, protocol, payload.length), payload)) == 0xffff;
    }

    /** A segment with its checksum. */
    public static byte[] withChecksum(String source, String destination, byte[] segment) {
        byte[] finished = segment.clone();
        setShort(finished, 16, 0);
        setShort(finished, 16, complement(sum(join(pseudoHeader(source, destination, 6, finished.length), finished))));
        return finished;
    }

    private static byte[] pseudoHeader(String source, String destination, int protocol, int lengthBytes) {
        byte[] numbers =
                ByteBuffer.allocate(8).putInt(lengthBytes).putInt(protocol).array();
        return join(
                InetAddress.ofLiteral(source).getAddress(),
                InetAddress.ofLiteral(destination).getAddress(),
                numbers);
    }

    private static int sum(byte[] bytes) {
        int sum = 0;
        for (int i = 0; i < bytes.length; i++) {
            sum += (bytes[i] & 0xff) << ((i & 1) == 0 ? 8 : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    private static int complement(int sum) {
        return ~sum & 0xffff;
    }

    public static void setShort(byte[] bytes, int at, int value) {
        bytes[at] = (byte) (value >>> 8);
        bytes[at + 1] = (byte) value;
    }
}
