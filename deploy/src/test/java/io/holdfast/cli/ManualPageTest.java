package io.holdfast.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The manual as groff formats it, and completion as bash does it. */
class ManualPageTest {

    @TempDir
    Path directory;

    @BeforeEach
    void writeManual() {
        StringWriter out = new StringWriter();
        assertThat(Holdfast.commandLine().setOut(new PrintWriter(out, true)).execute("manual", directory.toString()))
                .isEqualTo(ExitCode.OK);
    }

    @Test
    void shouldBeThereForEachCommandThatIsNotHidden() throws Exception {
        List<String> expected = new ArrayList<>(List.of("holdfast.1"));
        for (CommandLine command : Holdfast.commandLine().getSubcommands().values()) {
            if (!command.getCommandSpec().usageMessage().hidden()) {
                expected.add("holdfast-" + command.getCommandName() + ".1");
            }
        }
        assertThat(expected).contains("holdfast-seal.1").doesNotContain("holdfast-warm-up.1", "holdfast-manual.1");
        assertThat(pages().map(page -> page.getFileName().toString())).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void shouldBeFormattedWithoutAWarning() throws Exception {
        for (Path page : pages().toList()) {
            assertThat(run("groff", "-man", "-ww", "-z", page.toString()))
                    .as("%s", page)
                    .isEmpty();
        }
    }

    @Test
    void shouldHaveTheSectionsThatReadersKnow() throws Exception {
        String text = rendered("holdfast-promote");
        assertThat(text)
                .containsSubsequence(
                        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO")
                .contains("holdfast-promote - has this host take over the guest")
                .contains("--reason TEXT")
                .contains("holdfast --guest redis promote --reason \"host a is dead\"");
    }

    @Test
    void shouldNotEndANameWithinAQuotation() throws Exception {
        assertThat(rendered("holdfast-barrier")).contains("engine said hello with `bound: false`\n");
    }

    /** In a list of commands it stands alone. */
    @Test
    void shouldBeginEachDescriptionWithAWholeSentence() {
        for (CommandLine command : Holdfast.commandLine().getSubcommands().values()) {
            assertThat(command.getCommandSpec().usageMessage().description()[0])
                    .as("%s", command.getCommandName())
                    .endsWith(".");
        }
    }

    @Test
    void shouldNotStretchTheBlanksBetweenLongNames() throws Exception {
        assertThat(formatted("holdfast", 80))
                .contains("holdfast-proxy(1), holdfast-agent(1)")
                .doesNotContainPattern("\\(1\\), {2,}");
    }

    @Test
    void shouldShowThatOptionsExcludeEachOther() throws Exception {
        assertThat(rendered("holdfast-announce")).contains("announce [--json] [--stop | --dry-run]");
    }

    @Test
    void shouldNameTheValueOfEveryOption() throws Exception {
        for (Path page : pages().toList()) {
            assertThat(rendered(page.getFileName().toString().replaceFirst("\\.1$", "")))
                    .as("%s", page)
                    .doesNotContainPattern("--\\S+ <");
        }
    }

    @Test
    void shouldTellOfOptionsOfCommandsWithinACommand() throws Exception {
        assertThat(rendered("holdfast-config")).contains("config check [--json]", "--json (check)", "config show");
    }

    @Test
    void shouldNotTellOfHiddenCommands() throws Exception {
        assertThat(rendered("holdfast")).contains("seal").doesNotContain("warm-up");
    }

    @Test
    void shouldShowABackslashAsOne() {
        CommandLine command =
                new CommandLine(CommandLine.Model.CommandSpec.create().name("x"));
        command.getCommandSpec().usageMessage().description(".\\n is not a request");
        assertThat(new ManualPage(command, "1").roff()).contains("\n\\&.\\en is not a request");
    }

    @Test
    void shouldCompleteACommandInBash() throws Exception {
        assertThat(completions("holdfast", "switch")).containsExactly("switchover");
    }

    @Test
    void shouldCompleteAnOptionInBash() throws Exception {
        assertThat(completions("holdfast", "seal", "--rea")).containsExactly("--reason");
    }

    @Test
    void shouldCompleteTheNameOfAGuestInBash() throws Exception {
        Files.createFile(directory.resolve("redis.yaml"));
        Files.createFile(directory.resolve("postgres.yaml"));
        Files.createFile(directory.resolve("redis.yaml.old"));
        assertThat(completions("holdfast", "--guest", "re")).containsExactly("redis");
        assertThat(completions("holdfast", "status", "--guest", "")).containsExactlyInAnyOrder("postgres", "redis");
    }

    @Test
    void shouldNotOfferHiddenCommandsInBash() throws Exception {
        assertThat(completions("holdfast", "")).contains("seal").doesNotContain("warm-up", "manual");
    }

    private Stream<Path> pages() throws Exception {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList().stream();
        }
    }

    /** As on a wide terminal, with single blanks. */
    private String rendered(String name) throws Exception {
        return formatted(name, 500).replaceAll(" +", " ");
    }

    private String formatted(String name, int columns) throws Exception {
        return run(
                "groff",
                "-man",
                "-Tascii",
                "-P-cbou",
                "-rLL=" + columns + "n",
                directory.resolve(name + ".1").toString());
    }

    private List<String> completions(String... words) throws Exception {
        StringWriter script = new StringWriter();
        Holdfast.commandLine().setOut(new PrintWriter(script, true)).execute("completion");
        String here = script.toString().replace("/etc/holdfast", directory.toString());
        Path file = Files.writeString(directory.resolve("completion.bash"), here);
        String line = String.join(" ", words);
        return run("bash", "--norc", "-c", """
                compopt() { :; } # Bash has it only while somebody types.
                source %s
                COMP_WORDS=(%s) COMP_CWORD=%d COMP_LINE='%s' COMP_POINT=%d
                "$(complete -p holdfast | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
                printf '%%s\\n' "${COMPREPLY[@]}"
                """.formatted(file, quoted(words), words.length - 1, line, line.length()))
                .lines()
                .map(String::strip)
                .toList();
    }

    private static String quoted(String... words) {
        return "'" + String.join("' '", words) + "'";
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s", printed).isZero();
        return printed;
    }
}
