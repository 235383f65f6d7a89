package io.holdfast.cli.doctor;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Whether a QEMU command line has a virtio NIC that filters VLANs for its guest. QEMU empties the filter's table after it has
 * loaded a device's state (virtio_net_set_features in hw/net/virtio-net.c), and a restored guest gets no tagged frame any more.
 */
final class VlanFilter {

    private static final Pattern VIRTIO_NIC =
            Pattern.compile("(\\{.*\"driver\"\\s*:\\s*\")?virtio-net[-,\"].*|virtio-net", Pattern.DOTALL);
    private static final Pattern OFF = Pattern.compile("ctrl_vlan\"?\\s*[:=]\\s*(off|no|false|n)\\b");

    private VlanFilter() {}

    /** True if any NIC of the command line has one. */
    static boolean isIn(List<String> command) {
        for (int i = 0; i + 1 < command.size(); i++) {
            String device = command.get(i + 1);
            if (command.get(i).endsWith("-device")
                    && VIRTIO_NIC.matcher(device).matches()
                    && !OFF.matcher(device).find()) {
                return true;
            }
        }
        return false;
    }
}
