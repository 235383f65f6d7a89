package io.holdfast.agent.engine;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Looks whether the kernel carries a guest's frames in QEMU's stead (vhost). Then QEMU's reply to {@code stop} does not say
 * that all output of the guest has been handed over: what comes after the barrier would be output of the epoch before it,
 * and the other way round what was never in a checkpoint could leave (INV-2, INV-8).
 *
 * <p>QMP does not tell, and the command line only part of the truth: a NIC can be plugged in later, or fall back to QEMU. But
 * a QEMU that uses vhost has its device open.
 */
final class VhostNet {

    private static final Path DEVICE = Path.of("/dev/vhost-net");

    private VhostNet() {}

    /**
     * @param process the guest's QEMU; empty if it may not be seen, and nobody knows
     * @return why it may not be protected
     */
    static Optional<String> exitOf(Optional<QemuProcess> process) {
        return process.isEmpty()
                ? Optional.of(
                        "the process of the guest's QEMU cannot be seen, and so not whether it uses vhost; let the"
                                + " agent run as the same user, or as root")
                : exitOf(Path.of("/proc", Long.toString(process.get().pid()), "fd"));
    }

    /** The same for a folder of open files, as in {@code /proc/PID/fd}. */
    static Optional<String> exitOf(Path openFiles) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(openFiles)) {
            for (Path descriptor : descriptors) {
                if (isVhost(descriptor)) {
                    return Optional.of(
                            "QEMU has " + DEVICE + " open: the kernel carries frames of a NIC, also of a guest that"
                                    + " is stopped; start QEMU with vhost=off for every tap");
                }
            }
            return Optional.empty();
        } catch (IOException | DirectoryIteratorException e) {
            return Optional.of("cannot see whether QEMU uses vhost: " + e);
        }
    }

    private static boolean isVhost(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).equals(DEVICE);
        } catch (NoSuchFileException e) {
            return false; // Closed since it was listed.
        }
    }
}
