package io.holdfast.agent.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a QEMU has the guest's memory in its own.
 *
 * @param begin its first address
 * @param bytes a multiple of the page size
 */
record GuestMapping(long begin, long bytes) {

    /** A line of /proc/PID/maps (proc(5)): addresses, permissions, offset, device, inode. */
    private static final Pattern LINE =
            Pattern.compile("(?<begin>\\p{XDigit}+)-(?<end>\\p{XDigit}+) (?<permissions>\\S+)"
                    + " (?<offset>\\p{XDigit}+) \\S+ (?<inode>\\d+).*");

    long end() {
        return begin + bytes;
    }

    /**
     * Finds it.
     *
     * @param process the directory of the process in /proc
     * @throws EngineException if the file is mapped in several pieces or places: then it could be written past the one that
     *     is watched
     */
    static GuestMapping find(Path process, Path memoryFile, long bytes) throws EngineException {
        List<GuestMapping> found = new ArrayList<>();
        try {
            String inode = Files.getAttribute(memoryFile, "unix:ino").toString();
            for (String line : Files.readAllLines(process.resolve("maps"))) {
                Matcher mapping = LINE.matcher(line);
                if (mapping.matches() && mapping.group("inode").equals(inode)) {
                    long begin = Long.parseUnsignedLong(mapping.group("begin"), 16);
                    found.add(new GuestMapping(begin, Long.parseUnsignedLong(mapping.group("end"), 16) - begin));
                }
            }
        } catch (IOException e) {
            throw new EngineException("cannot read where QEMU has mapped %s: %s".formatted(memoryFile, e), e);
        }
        if (found.size() != 1 || found.getFirst().bytes() != bytes) {
            throw new EngineException("QEMU has mapped %s in %d places instead of one of %d bytes"
                    .formatted(memoryFile, found.size(), bytes));
        }
        return found.getFirst();
    }
}
