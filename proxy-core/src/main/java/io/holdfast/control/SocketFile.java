package io.holdfast.control;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The place of a listening Unix socket in the file system, owned by one process at a time.
 *
 * <p>A socket file outlives a crash, and whether it is stale can only be guessed by connecting to it; between the guess and
 * the removal another process could have bound it. A lock on a file next to it, which the kernel releases with the process,
 * closes that gap. The lock file stays, because removing it would open the gap again.
 */
final class SocketFile implements AutoCloseable {

    private static final int FILE_TYPE_MASK = 0170000;
    private static final int FILE_TYPE_SOCKET = 0140000;

    private final Path path;
    private final FileChannel lockFile;

    private SocketFile(Path path, FileChannel lockFile) {
        this.path = path;
        this.lockFile = lockFile;
    }

    /**
     * Makes {@code path} free for binding: creates its directory and removes a stale socket.
     *
     * @throws IOException if another process uses the path, or if something else than a socket is there
     */
    static SocketFile claim(Path path) throws IOException {
        Path absolute = path.toAbsolutePath();
        Path directory = absolute.getParent();
        if (directory == null) {
            throw new IOException(path + " cannot be a socket");
        }
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-x---")));
        }
        FileChannel lockFile = FileChannel.open(
                absolute.resolveSibling(absolute.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        try {
            if (!isLocked(lockFile) || isAnswered(absolute)) {
                throw new IOException("another process listens at " + path
                        + "; stop it first, two of them cannot serve one" + " guest");
            }
            removeStale(absolute);
            return new SocketFile(absolute, lockFile);
        } catch (IOException | RuntimeException e) {
            lockFile.close();
            throw e;
        }
    }

    /** For owner and group, once the socket is bound. */
    void restrictToGroup() throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
    }

    /** Removes the socket and lets others have the path. The socket must be closed before. */
    @Override
    public void close() throws IOException {
        try (lockFile) {
            Files.deleteIfExists(path);
        }
    }

    /** Tries to get the lock; it lasts until the file is closed. */
    private static boolean isLocked(FileChannel lockFile) throws IOException {
        try {
            return lockFile.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    /** Whoever listens without a lock is still somebody. Does not block on a listener that is too busy to accept. */
    private static boolean isAnswered(Path path) throws IOException {
        if (!isSocket(path)) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.configureBlocking(false);
            probe.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (ConnectException refused) {
            return false;
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (isSocket(path)) {
            Files.delete(path);
        } else if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(path + " exists and is not a socket; move it away or configure another directory");
        }
    }

    private static boolean isSocket(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        @Nullable Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        return mode instanceof Integer bits && (bits & FILE_TYPE_MASK) == FILE_TYPE_SOCKET;
    }
}
