package io.holdfast.frame;

/** Numbers of the IANA registry "Assigned Internet Protocol Numbers" that Holdfast knows. */
public final class IpProtocol {

    public static final int HOP_BY_HOP_OPTIONS = 0;
    public static final int ICMP = 1;
    public static final int TCP = 6;
    public static final int UDP = 17;
    public static final int ROUTING = 43;
    public static final int FRAGMENT = 44;
    public static final int AUTHENTICATION = 51;
    public static final int ICMPV6 = 58;
    public static final int DESTINATION_OPTIONS = 60;
    public static final int MOBILITY = 135;
    public static final int HOST_IDENTITY = 139;
    public static final int SHIM6 = 140;

    private IpProtocol() {}

    /** Whether it is an IPv6 extension header that says how long it is and what follows (RFC 7045, section 4). */
    static boolean isExtensionHeader(int protocol) {
        return switch (protocol) {
            case HOP_BY_HOP_OPTIONS,
                    ROUTING,
                    FRAGMENT,
                    AUTHENTICATION,
                    DESTINATION_OPTIONS,
                    MOBILITY,
                    HOST_IDENTITY,
                    SHIM6 -> true;
            default -> false;
        };
    }
}
