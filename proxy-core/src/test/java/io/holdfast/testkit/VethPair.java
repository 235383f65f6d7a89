package io.holdfast.testkit;

/**
 * A pair of virtual Ethernet interfaces in the calling thread's namespace: what enters one end leaves the other. Neither
 * end has an address, so that the kernel says nothing of its own on them.
 */
public record VethPair(String near, String far) {

    public static VethPair create(String near, String far) {
        Shell.run("ip", "link", "add", near, "type", "veth", "peer", "name", far);
        for (String end : new String[] {near, far}) {
            Shell.run("ip", "link", "set", end, "addrgenmode", "none");
            Shell.run("ip", "link", "set", end, "up");
        }
        return new VethPair(near, far);
    }
}
