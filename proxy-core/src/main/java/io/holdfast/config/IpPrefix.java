package io.holdfast.config;

import java.net.InetAddress;

/**
 * A range of IPv4 or IPv6 addresses.
 *
 * @param address the first address; all bits after the prefix are zero
 * @param lengthBits 0 to 32 or 128
 */
public record IpPrefix(InetAddress address, int lengthBits) {

    public IpPrefix {
        int widthBits = address.getAddress().length * Byte.SIZE;
        if (lengthBits < 0 || lengthBits > widthBits) {
            throw new IllegalArgumentException(
                    "a prefix of " + address.getHostAddress() + " has 0 to " + widthBits + " bits, not " + lengthBits);
        }
        byte[] octets = address.getAddress();
        for (int bit = lengthBits; bit < widthBits; bit++) {
            if ((octets[bit / Byte.SIZE] & (0x80 >> (bit % Byte.SIZE))) != 0) {
                throw new IllegalArgumentException(
                        address.getHostAddress() + "/" + lengthBits + " has bits set after the prefix");
            }
        }
    }

    @Override
    public String toString() {
        return address.getHostAddress() + "/" + lengthBits;
    }
}
