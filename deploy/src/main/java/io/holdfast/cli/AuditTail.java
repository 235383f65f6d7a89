package io.holdfast.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads a file of lines that grows, and goes on with the next one when it was moved away. Not for several threads. */
final class AuditTail {

    private final Path file;
    private @Nullable Object fileKey;
    private long readBytes;

    AuditTail(Path file) {
        this.file = file;
    }

    /** The lines that have been completed since the last call. None as long as there is no file. */
    List<String> newLines() throws IOException {
        try (SeekableByteChannel channel = Files.newByteChannel(file)) {
            // The key is the inode: a file of this name may be another one by now.
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            if (!Objects.equals(key, fileKey) || channel.size() < readBytes) {
                fileKey = key;
                readBytes = 0;
            }
            return wholeLines(channel);
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** The last of all lines so far, at most so many. */
    List<String> newest(int count) throws IOException {
        Deque<String> newest = new ArrayDeque<>();
        for (String line : newLines()) {
            newest.add(line);
            if (newest.size() > count) {
                newest.remove();
            }
        }
        return List.copyOf(newest);
    }

    private List<String> wholeLines(SeekableByteChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(channel.size() - readBytes));
        channel.position(readBytes);
        while (buffer.hasRemaining() && channel.read(buffer) >= 0) {}
        String text = new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
        String whole = text.substring(0, text.lastIndexOf('\n') + 1);
        readBytes += whole.getBytes(StandardCharsets.UTF_8).length;
        return whole.lines().toList();
    }
}
