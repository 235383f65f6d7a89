package io.holdfast.agent.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * All that a {@link SpareQemu} has of its own, in one directory in memory that only its owner may enter, because a guest's
 * memory is in it:
 *
 * <pre>
 *   memory            the guest's, bound over the file that the command line names
 *   qmp, incoming     links to the spare's sockets, as it sees them
 *   pid, log
 *   0/lower           link to a directory that is covered; 0/upper has what the spare changes there
 *   1/lower ...
 * </pre>
 */
final class SpareDirectory {

    private static final int CHUNK_BYTES = 1 << 20;
    /** What would mean something to mount(8) in the options of an overlay. */
    private static final Pattern NOT_IN_OPTIONS = Pattern.compile("[,:\\\\\"]");

    /**
     * Runs in namespaces of its own, and becomes QEMU, so that a link to {@code /proc/$$/root} leads to QEMU's view. Before
     * the links are there nobody could be taken for it, and what the one that waits has in the same places is gone from view.
     * If memory runs out all the same, the kernel shall take this process, not the one that waits.
     */
    private static final String ISOLATE = """
            own=$1 memory=$2 qmp=$3 incoming=$4 covered=$5
            shift 5
            echo 1000 > /proc/self/oom_score_adj
            number=0
            while [ $number -lt $covered ]; do
                mount -t overlay rehearsal \
                    -o "lowerdir=$own/$number/lower,upperdir=$own/$number/upper,workdir=$own/$number/work" "$1"
                number=$((number + 1))
                shift
            done
            mount --bind "$own/memory" "$memory"
            rm -f "$qmp" "$incoming"
            ln -s "/proc/$$/root$qmp" "$own/qmp"
            ln -s "/proc/$$/root$incoming" "$own/incoming"
            cd "$own"
            exec "$@"
            """;

    private final QemuStandby.Settings settings;
    private final Path directory;

    private SpareDirectory(QemuStandby.Settings settings, Path directory) {
        this.settings = settings;
        this.directory = directory;
    }

    /**
     * Makes it, after what an earlier one has left there was removed.
     *
     * @throws EngineException if it cannot be, or an earlier process does not die
     */
    static SpareDirectory make(QemuStandby.Settings settings) throws EngineException {
        SpareDirectory made = new SpareDirectory(settings, placeFor(settings.memory()));
        if (NOT_IN_OPTIONS.matcher(made.directory.toString()).find()) {
            throw new EngineException(
                    "agent.qemu.memory, %s, has a comma, colon, quote or backslash in its path, with which a spare QEMU's directory could not be mounted"
                            .formatted(settings.memory()));
        }
        made.remove();
        try {
            Files.createDirectory(
                    made.directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            return made;
        } catch (FileAlreadyExistsException e) {
            throw new EngineException(made.directory + " is in the way of a spare QEMU; remove it", e);
        } catch (IOException e) {
            throw new EngineException("cannot make %s for a spare QEMU: %s".formatted(made.directory, e), e);
        }
    }

    /** Removes what a spare QEMU has left whose agent died. */
    static void clear(QemuStandby.Settings settings) throws EngineException {
        new SpareDirectory(settings, placeFor(settings.memory())).remove();
    }

    /** In memory, and not in the directory of the guest's memory, which may have to be covered. */
    static Path placeFor(Path memory) {
        Path absolute = memory.toAbsolutePath();
        Path inSharedMemory = absolute.startsWith(CoveredDirectories.SHARED_MEMORY)
                ? CoveredDirectories.SHARED_MEMORY.relativize(absolute)
                : absolute.getRoot().relativize(absolute);
        return CoveredDirectories.SHARED_MEMORY.resolve(
                inSharedMemory.toString().replace('/', '-') + ".rehearsal");
    }

    Path memory() {
        return directory.resolve("memory");
    }

    Path socket() {
        return directory.resolve("qmp");
    }

    Path incoming() {
        return directory.resolve("incoming");
    }

    Path log() {
        return directory.resolve("log");
    }

    Path pidFile() {
        return directory.resolve("pid");
    }

    /** Makes the memory file, all of it: writing to a mapping of one that finds no room later would end in a signal. */
    void reserveMemory(long memoryBytes) throws EngineException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(CHUNK_BYTES);
        try (FileChannel file = FileChannel.open(memory(), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long written = 0; written < memoryBytes; ) {
                zeros.clear().limit((int) Math.min(CHUNK_BYTES, memoryBytes - written));
                written += file.write(zeros);
            }
        } catch (IOException e) {
            throw new EngineException(
                    "cannot make a copy of %d bytes of guest memory in %s: %s".formatted(memoryBytes, directory, e), e);
        }
    }

    /** The guest's command line, isolated. Makes what it takes. */
    List<String> command() throws EngineException {
        List<Path> covered = CoveredDirectories.of(
                settings.command(),
                settings.memory(),
                List.of(
                        settings.runtimeDirectory(),
                        CoveredDirectories.directoryOf(settings.socket()),
                        CoveredDirectories.directoryOf(settings.incoming())));
        try {
            for (int number = 0; number < covered.size(); number++) {
                Path layers = Files.createDirectory(directory.resolve(Integer.toString(number)));
                Files.createDirectory(layers.resolve("upper"));
                Files.createDirectory(layers.resolve("work"));
                Files.createSymbolicLink(layers.resolve("lower"), covered.get(number));
            }
            // It ends with the agent's thread that started it.
            List<String> command = new ArrayList<>(List.of("setpriv", "--pdeathsig", "KILL"));
            command.addAll(List.of("unshare", "--net", "--mount", "--propagation", "private", "--"));
            command.addAll(List.of("sh", "-euc", ISOLATE, "rehearsal"));
            command.add(directory.toString());
            command.add(settings.memory().toRealPath().toString());
            command.add(real(settings.socket()).toString());
            command.add(real(settings.incoming()).toString());
            command.add(Integer.toString(covered.size()));
            covered.forEach(directoryCovered -> command.add(directoryCovered.toString()));
            command.addAll(settings.command());
            return command;
        } catch (IOException e) {
            throw new EngineException("cannot prepare %s for a spare QEMU: %s".formatted(directory, e), e);
        }
    }

    /** A link on the way would lead a path that begins with {@code /proc/PID/root} out of there again. */
    private static Path real(Path socket) throws IOException {
        return CoveredDirectories.directoryOf(socket).toRealPath().resolve(socket.getFileName());
    }

    /** Removes all of it, and ends first whoever is noted there. Idempotent. */
    void remove() throws EngineException {
        try {
            Optional<QemuProcess> noted = QemuProcess.notedIn(pidFile());
            if (noted.isPresent() && !noted.get().kill()) {
                throw new EngineException("the spare QEMU, process %d, survives SIGKILL; look for I/O that hangs"
                        .formatted(noted.get().pid()));
            }
            if (Files.exists(directory)) {
                try (Stream<Path> files = Files.walk(directory)) {
                    for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                        Files.deleteIfExists(file);
                    }
                }
            }
        } catch (IOException e) {
            throw new EngineException("cannot remove %s of a spare QEMU: %s".formatted(directory, e), e);
        }
    }
}
