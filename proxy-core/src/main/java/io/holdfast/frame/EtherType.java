package io.holdfast.frame;

/** Ethernet types that Holdfast knows, from the IEEE 802 registry (RFC 9542, appendix B). */
public final class EtherType {

    /** Smaller values are the length of an IEEE 802.3 frame. */
    public static final int MIN = 0x0600;

    public static final int IPV4 = 0x0800;
    public static final int ARP = 0x0806;
    public static final int RARP = 0x8035;
    public static final int VLAN = 0x8100;
    public static final int IPV6 = 0x86dd;
    public static final int SERVICE_VLAN = 0x88a8;

    /** Service tags from before IEEE 802.1ad; still met in the field. */
    public static final int LEGACY_SERVICE_VLAN = 0x9100;

    private EtherType() {}

    /** Whether a VLAN tag follows. */
    public static boolean isVlan(int etherType) {
        return etherType == VLAN || etherType == SERVICE_VLAN || etherType == LEGACY_SERVICE_VLAN;
    }
}
