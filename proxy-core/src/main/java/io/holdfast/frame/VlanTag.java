package io.holdfast.frame;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One VLAN tag of a frame, without its priority bits.
 *
 * @param protocol the tag protocol identifier, one of those of {@link EtherType#isVlan}
 * @param id 1 to 4094
 */
public record VlanTag(int protocol, int id) {

    /** The length on the wire, protocol identifier included. */
    public static final int BYTES = 4;

    public static final int MAX_ID = 4094;

    private static final Pattern TEXT = Pattern.compile("0x([0-9a-f]{4}):([0-9]{1,4})");

    public VlanTag {
        if (!EtherType.isVlan(protocol)) {
            throw new IllegalArgumentException("0x" + Integer.toHexString(protocol) + " is not a VLAN tag protocol");
        }
        if (id < 1 || id > MAX_ID) {
            throw new IllegalArgumentException("VLAN " + id + " is not within 1.." + MAX_ID);
        }
    }

    /**
     * Reads what {@link #toString} writes.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public static VlanTag parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a VLAN tag; write it like 0x8100:10");
        }
        return new VlanTag(Integer.parseInt(matcher.group(1), 16), Integer.parseInt(matcher.group(2)));
    }

    /** Tag protocol and id, such as {@code 0x8100:10}. */
    @Override
    public String toString() {
        return "0x%04x:%d".formatted(protocol, id);
    }
}
