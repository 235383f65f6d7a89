package io.holdfast.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.audit.AuditLog;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Shows what was decided on this host, also when neither proxy nor agent runs. */
@Command(
        name = "audit",
        mixinStandardHelpOptions = true,
        description = {
            "Shows what was decided about the guest on this host, the newest last:",
            "promotions, refusals, going alone, every state of the wall, with term and reason."
        })
final class AuditCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--last",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many entries; default: ${DEFAULT-VALUE}.")
    private int last;

    @Option(names = "--json", description = "The lines as they stand in the file.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (last < 1) {
            throw holdfast.usage("--last must be at least 1, not " + last);
        }
        Path file = AuditLog.fileIn(holdfast.config().stateDirectory());
        Deque<String> newest = new ArrayDeque<>();
        try (Stream<String> lines = Files.lines(file)) {
            lines.forEach(line -> {
                newest.add(line);
                if (newest.size() > last) {
                    newest.remove();
                }
            });
        } catch (NoSuchFileException e) {
            holdfast.err().println(file + " does not exist: nothing was decided on this host yet");
            return ExitCode.OK;
        }
        newest.forEach(line -> holdfast.out().println(json ? line : forPeople(line)));
        return ExitCode.OK;
    }

    private static String forPeople(String line) {
        try {
            JsonNode entry = new JsonMapper().readTree(line);
            return "%s  %-5s  %-17s  term %d/%s/%s  %s"
                    .formatted(
                            entry.path("at").asText(),
                            entry.path("by").asText(),
                            entry.path("event").asText(),
                            entry.path("term").asLong(),
                            entry.path("claim").asText(),
                            entry.path("owner").asText(),
                            entry.path("reason").asText());
        } catch (JsonProcessingException e) {
            return "(not a whole entry) " + line;
        }
    }
}
