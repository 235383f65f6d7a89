package io.holdfast.cli.doctor;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Whether a QEMU command line hands a guest's frames to the kernel's vhost, past QEMU: a stopped guest may then still have
 * output on its way when the barrier is placed. The agent looks at the running QEMU; this is for whoever has not started it.
 */
final class KernelNetworking {

    /** QEMU's ways to say yes; a key without a value says it too. */
    private static final Pattern OPTION = Pattern.compile("vhost(force)?(=(on|yes|true|y))?");
    /** A file descriptor of vhost's that somebody else has opened turns it on. */
    private static final Pattern DESCRIPTOR = Pattern.compile("vhostfds?=.*");

    private static final Pattern JSON =
            Pattern.compile("\"vhost(force)?\"\\s*:\\s*true|\"vhostfds?\"\\s*:", Pattern.CASE_INSENSITIVE);

    private KernelNetworking() {}

    /** True if any network of the command line asks for it. */
    static boolean isAskedFor(List<String> command) {
        for (int i = 0; i + 1 < command.size(); i++) {
            String option = command.get(i);
            if (option.endsWith("-netdev") || option.endsWith("-nic") || option.endsWith("-net")) {
                if (asks(command.get(i + 1))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean asks(String network) {
        if (network.startsWith("{")) {
            return JSON.matcher(network).find();
        }
        return Arrays.stream(network.split(",", -1))
                .anyMatch(word -> OPTION.matcher(word).matches()
                        || DESCRIPTOR.matcher(word).matches());
    }
}
