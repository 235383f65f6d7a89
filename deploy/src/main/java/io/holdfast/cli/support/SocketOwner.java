package io.holdfast.cli.support;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds the process that listens at a Unix socket: the kernel tells the socket's inode, and a process's files name it. */
final class SocketOwner {

    private static final Path SOCKETS = Path.of("/proc/thread-self/net/unix");
    private static final int INODE_COLUMN = 6;
    private static final int PATH_COLUMN = 7;

    private SocketOwner() {}

    /** Its process ID; empty if there is none, or if this user may not see it. */
    static OptionalLong find(Path socket) throws IOException {
        Set<String> names;
        try (Stream<String> sockets = Files.lines(SOCKETS)) {
            names = sockets.map(line -> line.trim().split(" +"))
                    .filter(columns -> columns.length > PATH_COLUMN && columns[PATH_COLUMN].equals(socket.toString()))
                    .map(columns -> "socket:[" + columns[INODE_COLUMN] + "]")
                    .collect(Collectors.toSet());
        }
        Optional<ProcessHandle> owner = ProcessHandle.allProcesses()
                .filter(process -> hasOpen(process, names))
                .findFirst();
        return owner.map(process -> OptionalLong.of(process.pid())).orElseGet(OptionalLong::empty);
    }

    private static boolean hasOpen(ProcessHandle process, Set<String> names) {
        try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(process.pid()), "fd"))) {
            return files.anyMatch(file -> names.contains(target(file)));
        } catch (IOException e) {
            return false; // It has ended, or is another user's.
        }
    }

    private static String target(Path file) {
        try {
            return Files.readSymbolicLink(file).toString();
        } catch (IOException e) {
            return "";
        }
    }
}
