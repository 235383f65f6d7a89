package io.holdfast.demo.wire;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The program: stands in the lines between the programs of a host and hands everything on, until the moment that it is told
 * on standard input. From then on that line is dead, and it says {@code sprung}: who kills the host now knows exactly how
 * far it was.
 *
 * <pre>
 *   NAME before-request TEXT SKIP     the request that contains TEXT is not handed on, after SKIP such were
 *   NAME before-reply TEXT SKIP       its answer is not handed on
 *   NAME amid-bytes N                 N bytes from the client are still handed on
 * </pre>
 */
@Command(name = "tripwire", mixinStandardHelpOptions = true, description = "Stops a conversation at an exact step.")
final class Tripwire implements Callable<Integer> {

    private final Map<String, Trap> traps = new HashMap<>();

    @Option(
            names = "--wire",
            required = true,
            paramLabel = "NAME=LISTEN=CONNECT",
            description = "paths of Unix domain sockets; or a port of the loopback address, and ADDRESS:PORT")
    private List<String> wires = List.of();

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Tripwire()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        for (String wire : wires) {
            List<String> parts = List.of(wire.split("=", -1));
            Trap trap = new Trap(() -> System.out.println("sprung"));
            traps.put(parts.get(0), trap);
            new Wire(parts.get(1), parts.get(2), trap).start();
        }
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            obey(List.of(command.split(" ", -1)));
        }
        return 0;
    }

    private void obey(List<String> words) {
        Trap trap = traps.get(words.getFirst());
        if (trap == null) {
            throw new IllegalArgumentException("no wire is called " + words.getFirst());
        }
        switch (words.get(1)) {
            case "before-request" -> trap.setBeforeRequest(words.get(2), Long.parseLong(words.get(3)));
            case "before-reply" -> trap.setBeforeReply(words.get(2), Long.parseLong(words.get(3)));
            case "amid-bytes" -> trap.setAmidBytes(Long.parseLong(words.get(2)));
            default -> throw new IllegalArgumentException("unknown command " + words.get(1));
        }
    }
}
