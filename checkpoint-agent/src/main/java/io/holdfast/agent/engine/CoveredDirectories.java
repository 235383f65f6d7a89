package io.holdfast.agent.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Where a second QEMU of the same command line would meet the files of the first: its sockets, its logs (a serial port's is
 * emptied when it is opened), its pid file. What an option does with a path is QEMU's secret, so every directory counts that
 * the command line names a file in, whether it is read or written.
 *
 * <p>Only absolute paths are seen; others depend on the directory in which the process starts.
 */
final class CoveredDirectories {

    private static final Path ROOT = Path.of("/");
    static final Path SHARED_MEMORY = Path.of("/dev/shm");
    /** Of devices, which cannot be copied, and of programs, which nobody writes. */
    private static final List<Path> LEFT_ALONE =
            List.of(Path.of("/dev"), Path.of("/proc"), Path.of("/sys"), Path.of("/usr"));
    /** What stands between options, their names and their values, a guest's kernel words included. */
    private static final Pattern SEPARATOR = Pattern.compile("[=,:]");

    private static final Pattern BLANKS = Pattern.compile("\\s+");

    private CoveredDirectories() {}

    /**
     * Those of a command line, and others, without such as lie in others of them. All exist and are real paths.
     *
     * @param memory the file of the guest's memory, of which its owner takes care
     * @param more to be covered whether the command names them or not
     * @throws EngineException if a file cannot be covered because its directory cannot
     */
    static List<Path> of(List<String> command, Path memory, List<Path> more) throws EngineException {
        SortedSet<Path> found = new TreeSet<>();
        try {
            for (Path directory : more) {
                found.add(directory.toRealPath());
            }
            for (Path named : absolutePathsIn(command)) {
                if (!named.equals(memory)) {
                    addDirectoriesOf(named, found);
                }
            }
        } catch (IOException e) {
            throw new EngineException("cannot see where the command line of agent.qemu.command leads: " + e, e);
        }
        return outermost(found);
    }

    private static void addDirectoriesOf(Path named, SortedSet<Path> found) throws IOException, EngineException {
        if (isLeftAlone(named) || !Files.isDirectory(directoryOf(named))) {
            return;
        }
        Path real = Files.exists(named) ? named.toRealPath() : named;
        if (isLeftAlone(real)) {
            return;
        }
        List<Path> directories = Files.isDirectory(real)
                ? List.of(real)
                : List.of(directoryOf(real), directoryOf(named).toRealPath());
        for (Path directory : directories) {
            boolean canBeCovered = !directory.equals(ROOT) && !directory.equals(SHARED_MEMORY);
            if (canBeCovered) {
                found.add(directory);
            } else if (Files.isRegularFile(real)) {
                throw new EngineException(
                        "agent.qemu.command names %s, which a second QEMU might write: %s cannot be covered; move the file into a directory below it"
                                .formatted(named, directory));
            }
        }
    }

    /** Where an absolute path's file is. */
    static Path directoryOf(Path file) {
        return Objects.requireNonNullElse(file.getParent(), ROOT);
    }

    private static boolean isLeftAlone(Path path) {
        return path.equals(ROOT)
                || (!path.startsWith(SHARED_MEMORY) && LEFT_ALONE.stream().anyMatch(path::startsWith));
    }

    private static List<Path> absolutePathsIn(List<String> command) {
        List<Path> paths = new ArrayList<>();
        for (String argument : command) {
            for (String value : SEPARATOR.split(argument, -1)) {
                addAbsolute(value, paths);
                for (String word : BLANKS.split(value, -1)) {
                    addAbsolute(word, paths);
                }
            }
        }
        return paths;
    }

    private static void addAbsolute(String text, List<Path> paths) {
        if (text.startsWith("/")) {
            try {
                paths.add(Path.of(text).normalize());
            } catch (InvalidPathException e) {
                // Then it is none, also for QEMU.
                return;
            }
        }
    }

    /** What lies in another one is covered with it. */
    private static List<Path> outermost(SortedSet<Path> sorted) {
        List<Path> outermost = new ArrayList<>();
        for (Path directory : sorted) {
            if (outermost.stream().noneMatch(directory::startsWith)) {
                outermost.add(directory);
            }
        }
        return outermost;
    }
}
