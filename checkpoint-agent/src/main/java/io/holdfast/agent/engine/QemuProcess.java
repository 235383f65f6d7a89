package io.holdfast.agent.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One QEMU process, told apart from a later one with the same number by its start time.
 *
 * <p>QMP does not tell the process behind it, and the socket's peer credentials are out of Java's reach. But a guest's
 * memory is a file, and QEMU alone both has it open and maps it for writing: an agent maps the file and closes it, a program
 * that copies it does not map it. The pid is looked up when an engine attaches, not when it kills.
 *
 * @param pid process id
 * @param startTicks time of start as the kernel counts it, in clock ticks since boot; {@link ProcessHandle}'s start time
 *     is derived from the wall clock and differs from one JVM to the next
 */
record QemuProcess(long pid, long startTicks) {

    private static final Path PROC = Path.of("/proc");
    private static final long KILL_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(5);
    /** Fields of /proc/PID/stat, counted from the one after the parenthesised name (proc(5)). */
    private static final int STATE_FIELD = 0;

    private static final int THREADS_FIELD = 17;
    private static final int START_FIELD = 19;
    /** Fields of a line of /proc/PID/maps. */
    private static final int MAP_PERMISSIONS_FIELD = 1;

    private static final int MAP_INODE_FIELD = 4;

    /** The process whose memory {@code memoryFile} is; empty if there is none, or if we may not see it. */
    static Optional<QemuProcess> holding(Path memoryFile) throws EngineException {
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
            Object file =
                    Files.readAttributes(memoryFile, BasicFileAttributes.class).fileKey();
            String inode = Files.getAttribute(memoryFile, "unix:ino").toString();
            for (Path process : processes) {
                long pid = Long.parseLong(process.getFileName().toString());
                if (pid != ProcessHandle.current().pid() && hasOpen(process, file) && mapsForWriting(process, inode)) {
                    Optional<QemuProcess> found = withPid(pid);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
            return Optional.empty();
        } catch (IOException | DirectoryIteratorException e) {
            throw new EngineException("cannot find out which process has %s open: %s".formatted(memoryFile, e), e);
        }
    }

    /** The living process with this number, if there is one. */
    static Optional<QemuProcess> withPid(long pid) {
        return stat(pid)
                .filter(fields -> !isDead(fields))
                .map(fields -> new QemuProcess(pid, Long.parseLong(fields[START_FIELD])));
    }

    /** The process that {@link #writeTo} noted; empty if the file is absent or not one of ours. */
    static Optional<QemuProcess> notedIn(Path pidFile) throws IOException {
        try {
            String[] words = Files.readString(pidFile).strip().split(" ", -1);
            return words.length == 2
                    ? Optional.of(new QemuProcess(Long.parseLong(words[0]), Long.parseLong(words[1])))
                    : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Notes the process in a file, as one line "pid startTicks". */
    void writeTo(Path pidFile) throws IOException {
        Files.writeString(pidFile, pid + " " + startTicks + "\n");
    }

    boolean isAlive() {
        return stat(pid)
                .filter(fields -> !isDead(fields) && Long.parseLong(fields[START_FIELD]) == startTicks)
                .isPresent();
    }

    /**
     * Kills the process at once and waits until it executes nothing any more. Idempotent.
     *
     * @return whether it is dead
     */
    boolean kill() {
        strike();
        long deadlineNanos = System.nanoTime() + KILL_LIMIT_NANOS;
        while (isAlive()) {
            if (System.nanoTime() - deadlineNanos > 0) {
                return false;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        return true;
    }

    /** Kills the process at once, and does not wait. Idempotent. */
    void strike() {
        // The handle is taken before the check, so that it cannot mean a later process with this number.
        Optional<ProcessHandle> handle = ProcessHandle.of(pid);
        if (isAlive()) {
            handle.ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    private static boolean hasOpen(Path process, Object file) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (file.equals(keyOf(descriptor))) {
                    return true;
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // It ended meanwhile, or belongs to someone whose files we may not see.
            return false;
        }
        return false;
    }

    private static boolean mapsForWriting(Path process, String inode) {
        try (Stream<String> mappings = Files.lines(process.resolve("maps"))) {
            return mappings.map(line -> line.split(" +", -1))
                    .anyMatch(fields -> fields.length > MAP_INODE_FIELD
                            && fields[MAP_PERMISSIONS_FIELD].equals("rw-s")
                            && fields[MAP_INODE_FIELD].equals(inode));
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    private static @Nullable Object keyOf(Path descriptor) {
        try {
            return Files.readAttributes(descriptor, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            return null;
        }
    }

    /** The first thread may be a zombie while another one still runs the guest. */
    private static boolean isDead(String[] fields) {
        boolean leaderIsDead = fields[STATE_FIELD].equals("Z") || fields[STATE_FIELD].equals("X");
        return leaderIsDead && Integer.parseInt(fields[THREADS_FIELD]) <= 1;
    }

    private static Optional<String[]> stat(long pid) {
        try {
            String line = Files.readString(PROC.resolve(pid + "/stat"));
            // The name may contain anything, parentheses and blanks too.
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
            return fields.length > START_FIELD ? Optional.of(fields) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
