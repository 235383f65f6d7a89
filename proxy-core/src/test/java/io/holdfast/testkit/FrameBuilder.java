package io.holdfast.testkit;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.util.HexFormat;

/**
 * Writes frames byte by byte, from the outside in, without any of the code that is under test. Checksums are left 0 unless
 * given; lengths are right.
 */
public final class FrameBuilder {

    private final ByteArrayOutputStream header = new ByteArrayOutputStream();

    private FrameBuilder() {}

    /** Destination and source address, like {@code 52:54:00:12:34:56}. */
    public static FrameBuilder ethernet(String destination, String source) {
        return new FrameBuilder().mac(destination).mac(source);
    }

    public FrameBuilder tag(int protocol, int tagControl) {
        return u16(protocol).u16(tagControl);
    }

    /** The rest of the frame. */
    public byte[] payload(int etherType, byte[] payload) {
        return u16(etherType).bytes(payload).header.toByteArray();
    }

    public byte[] arp(int operation, String senderMac, String senderIpv4, String targetMac, String targetIpv4) {
        FrameBuilder arp = new FrameBuilder().u16(1).u16(0x0800).u8(6).u8(4).u16(operation);
        arp.mac(senderMac).address(senderIpv4).mac(targetMac).address(targetIpv4);
        return payload(0x0806, arp.header.toByteArray());
    }

    public byte[] ipv4(String source, String destination, int timeToLive, int protocol, byte[] payload) {
        return ipv4(source, destination, timeToLive, protocol, 0, payload);
    }

    /** With {@code fragmentation}: the 16 bits of flags and fragment offset. */
    public byte[] ipv4(
            String source, String destination, int timeToLive, int protocol, int fragmentation, byte[] payload) {
        FrameBuilder ip = new FrameBuilder()
                .u16(0x4500)
                .u16(20 + payload.length)
                .u16(0x1234)
                .u16(fragmentation);
        ip.u8(timeToLive)
                .u8(protocol)
                .u16(0)
                .address(source)
                .address(destination)
                .bytes(payload);
        return payload(0x0800, ip.header.toByteArray());
    }

    /** The payload begins with extension headers if {@code nextHeader} says so. */
    public byte[] ipv6(String source, String destination, int hopLimit, int nextHeader, byte[] payload) {
        FrameBuilder ip = new FrameBuilder()
                .u16(0x6000)
                .u16(0)
                .u16(payload.length)
                .u8(nextHeader)
                .u8(hopLimit);
        ip.address(source).address(destination).bytes(payload);
        return payload(0x86dd, ip.header.toByteArray());
    }

    public static byte[] udp(int sourcePort, int destinationPort, byte[] payload) {
        FrameBuilder udp = new FrameBuilder()
                .u16(sourcePort)
                .u16(destinationPort)
                .u16(8 + payload.length)
                .u16(0);
        return udp.bytes(payload).header.toByteArray();
    }

    public static byte[] tcp(int sourcePort, int destinationPort, int flags, byte[] payload) {
        FrameBuilder tcp = new FrameBuilder().u16(sourcePort).u16(destinationPort);
        tcp.bytes(hex("01020304 0a0b0c0d"))
                .u8(0x50)
                .u8(flags)
                .bytes(hex("ffff 0000 0000"))
                .bytes(payload);
        return tcp.header.toByteArray();
    }

    /** A neighbour advertisement with {@code flags} (0x80 router, 0x40 solicited, 0x20 override) for {@code target}. */
    public static byte[] neighborAdvertisement(int flags, String target) {
        return new FrameBuilder()
                .bytes(hex("88000000"))
                .u8(flags)
                .bytes(new byte[3])
                .address(target)
                .header
                .toByteArray();
    }

    /** A neighbour solicitation for {@code target}. */
    public static byte[] neighborSolicitation(String target) {
        return new FrameBuilder()
                .bytes(hex("87000000 00000000"))
                .address(target)
                .header
                .toByteArray();
    }

    public static byte[] routerAdvertisement(int lifetimeSeconds) {
        return new FrameBuilder()
                .bytes(hex("86000000 4000"))
                .u16(lifetimeSeconds)
                .bytes(new byte[8])
                .header
                .toByteArray();
    }

    /** Bytes from hexadecimal digits with blanks. */
    public static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits.replace(" ", ""));
    }

    public static byte[] join(byte[]... parts) {
        FrameBuilder all = new FrameBuilder();
        for (byte[] part : parts) {
            all.bytes(part);
        }
        return all.header.toByteArray();
    }

    /** A copy of the bytes that ends where they end, so that any read past them fails. */
    public static MemorySegment segment(byte[] frame) {
        return MemorySegment.ofArray(frame.clone());
    }

    private FrameBuilder u8(int value) {
        header.write(value);
        return this;
    }

    private FrameBuilder u16(int value) {
        return u8(value >>> 8).u8(value);
    }

    private FrameBuilder bytes(byte[] bytes) {
        header.writeBytes(bytes);
        return this;
    }

    private FrameBuilder mac(String address) {
        return bytes(HexFormat.ofDelimiter(":").parseHex(address));
    }

    private FrameBuilder address(String literal) {
        return bytes(InetAddress.ofLiteral(literal).getAddress());
    }
}
