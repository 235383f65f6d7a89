package io.holdfast.frame;

import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * A 48-bit Ethernet address.
 *
 * @param value the six bytes, the first one on the wire being the most significant
 */
public record MacAddress(long value) {

    /** The length on the wire. */
    public static final int BYTES = 6;

    public static final MacAddress BROADCAST = new MacAddress(0xffff_ffff_ffffL);

    private static final Pattern TEXT = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");

    public MacAddress {
        if (value >>> 48 != 0) {
            throw new IllegalArgumentException("a MAC address has 48 bits: 0x" + Long.toHexString(value));
        }
    }

    /**
     * Reads {@code 52:54:00:12:34:56}, in either case.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public static MacAddress parse(String text) {
        if (!TEXT.matcher(text).matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a MAC address; write it like 52:54:00:12:34:56");
        }
        return new MacAddress(HexFormat.fromHexDigitsToLong(text.replace(":", "")));
    }

    /** Whether frames to it go to a group, broadcast included. */
    public boolean isGroup() {
        return isGroup(value);
    }

    /** The same without an object. */
    public static boolean isGroup(long value) {
        return (value >>> 40 & 1) != 0;
    }

    /** The form that {@link #parse} reads, in lower case. */
    @Override
    public String toString() {
        String digits = HexFormat.of().toHexDigits(value, 12);
        StringBuilder text = new StringBuilder(17);
        for (int i = 0; i < 12; i += 2) {
            text.append(i == 0 ? "" : ":").append(digits, i, i + 2);
        }
        return text.toString();
    }
}
