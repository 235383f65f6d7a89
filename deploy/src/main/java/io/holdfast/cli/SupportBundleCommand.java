package io.holdfast.cli;

import io.holdfast.cli.support.HostEvidence;
import io.holdfast.cli.support.SupportBundle;
import io.holdfast.config.ConfigFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** What somebody needs who shall find out from afar what is wrong. */
@Command(
        name = "support-bundle",
        mixinStandardHelpOptions = true,
        description = {
            "Collects what is needed to find a fault from afar, in one zip file that only its owner may read.",
            "Status, metrics, decisions and log lines, threads, the network's state, what `doctor` says, and the configuration"
                    + " without free texts.",
            "It has nothing of what the guest and its clients say to each other, no key and no password, but names and"
                    + " addresses; its MANIFEST says what is in it, and what could not be had.",
            "Needs neither proxy nor agent, and changes nothing."
        })
final class SupportBundleCommand implements Callable<Integer> {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--output",
            paramLabel = "FILE",
            description =
                    "Where to, never over a file that is there; default: holdfast-support-HOST-TIME.zip in this directory.")
    private @Nullable Path output;

    @Override
    public Integer call() throws Exception {
        ConfigFile config = holdfast.readConfig();
        Instant now = Instant.now();
        Path file = output != null
                ? output
                : Path.of("holdfast-support-%s-%s.zip".formatted(config.config().host(), TIME.format(now)));
        if (Files.exists(file)) {
            throw alreadyThere(file);
        }
        SupportBundle bundle = HostEvidence.bundle(config, Version.number());
        bundle.collect(this::say);
        try {
            bundle.write(file, now);
        } catch (FileAlreadyExistsException e) {
            throw alreadyThere(file);
        } catch (IOException e) {
            throw new IOException("cannot write " + file + ": " + e, e);
        }
        bundle.missing().forEach(line -> say("missing: " + line.replaceAll("\\s+", " ")));
        holdfast.out().println(file.toAbsolutePath());
        return ExitCode.OK;
    }

    private void say(String line) {
        holdfast.err().println(line);
        holdfast.err().flush();
    }

    private static IOException alreadyThere(Path file) {
        return new IOException(file + " exists already; name another file with --output");
    }
}
