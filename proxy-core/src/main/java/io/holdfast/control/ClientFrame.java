package io.holdfast.control;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A frame from a client, on its way around the packet path: to the backup, which gives it to the restored guest. */
public final class ClientFrame {

    /** Longest prefix. */
    public static final int MAX_PREFIX_BYTES = 16;

    /** Longest prefix and frame: 64 KiB that the kernel has merged, and its layer 2 header with two tags. */
    public static final int MAX_BYTES = MAX_PREFIX_BYTES + (64 << 10) + 22;

    private static final int MAX_NICS = 64;

    private final int nic;
    private final long stamp;
    private final int prefixBytes;
    private final byte[] bytes;

    /**
     * @param nic number of the guest's NIC, from 0
     * @param stamp the epoch that was open when the proxy handed it to the guest; the guest may have it in a later one
     * @param prefixBytes how many bytes in front belong to the port, as {@code struct virtio_net_hdr}
     * @param bytes prefix and frame; not copied, and not to be changed any more
     * @throws IllegalArgumentException if something is out of its range
     */
    public ClientFrame(int nic, long stamp, int prefixBytes, byte[] bytes) {
        if (nic < 0 || nic >= MAX_NICS) {
            throw new IllegalArgumentException("NIC number out of range: " + nic);
        }
        if (prefixBytes < 0
                || prefixBytes > MAX_PREFIX_BYTES
                || bytes.length <= prefixBytes
                || bytes.length > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "not a frame: " + bytes.length + " bytes with a prefix of " + prefixBytes);
        }
        this.nic = nic;
        this.stamp = stamp;
        this.prefixBytes = prefixBytes;
        this.bytes = bytes;
    }

    public int nic() {
        return nic;
    }

    public long stamp() {
        return stamp;
    }

    public int prefixBytes() {
        return prefixBytes;
    }

    /** Prefix and frame; not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof ClientFrame that
                && nic == that.nic
                && stamp == that.stamp
                && prefixBytes == that.prefixBytes
                && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Objects.hash(nic, stamp, prefixBytes, Arrays.hashCode(bytes));
    }

    /** Without what the client has sent. */
    @Override
    public String toString() {
        return "frame of %d bytes for NIC %d, stamp %d".formatted(bytes.length - prefixBytes, nic, stamp);
    }
}
