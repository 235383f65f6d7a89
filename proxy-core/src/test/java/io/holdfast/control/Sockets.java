package io.holdfast.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Places for the sockets of tests; the paths of JUnit's own directories may be longer than a socket's may be. */
final class Sockets {

    private Sockets() {}

    static Path temporaryDirectory() throws IOException {
        return Files.createTempDirectory(Path.of("/tmp"), "hf-control-");
    }

    static void remove(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
