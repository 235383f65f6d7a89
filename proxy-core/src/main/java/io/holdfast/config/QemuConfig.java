package io.holdfast.config;

import java.nio.file.Path;
import java.util.List;

/**
 * The guest's QEMU.
 *
 * @param qmp its QMP socket
 * @param memory the file of its memory-backend-file
 * @param incoming the socket on which a waiting QEMU takes device state
 * @param command what starts the guest here, without {@code -incoming}
 * @param dirtyPages how changed memory is found
 */
public record QemuConfig(Path qmp, Path memory, Path incoming, List<String> command, DirtyPagesMethod dirtyPages) {

    public QemuConfig {
        command = List.copyOf(command);
    }
}
