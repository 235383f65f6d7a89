package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** What proxy and agent of this host say of themselves, on one screen. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the wall, the ports and the replication of the guest on this host, on one screen; --json has every figure.",
            "Exit code 4 only if neither proxy nor agent answers."
        })
final class StatusCommand implements Callable<Integer> {

    private static final long REFRESH_MILLIS = 1_000;
    private static final String CLEAR_SCREEN = "\033[H\033[2J";

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--json",
            description =
                    "Print one JSON object: {\"proxy\": ..., \"agent\": ...}, and \"standby\" where a proxy stands by.")
    private boolean json;

    @Option(names = "--watch", description = "Print it again every second until interrupted.")
    private boolean watch;

    @Override
    public Integer call() throws Exception {
        HoldfastConfig config = holdfast.config();
        int exitCode = show(config);
        while (watch) {
            Thread.sleep(REFRESH_MILLIS);
            exitCode = show(config);
        }
        return exitCode;
    }

    private int show(HoldfastConfig config) {
        ObjectNode status = AskingCommand.arguments();
        status.set("proxy", statusOf(config.proxySocket()));
        if (config.standsBy()) {
            status.set("standby", statusOf(config.ownProxySocket()));
        }
        status.set("agent", statusOf(config.agentSocket()));
        if (json) {
            holdfast.out().println(status);
        } else {
            boolean redraws = watch && Ansi.AUTO.enabled();
            holdfast.out().println((redraws ? CLEAR_SCREEN : "") + StatusScreen.draw(config, status, Ansi.AUTO));
        }
        holdfast.out().flush();
        boolean answered =
                !status.path("proxy").has("error") || !status.path("agent").has("error");
        return answered ? ExitCode.OK : ExitCode.NOBODY_LISTENS;
    }

    private static JsonNode statusOf(Path socket) {
        try {
            return AskingCommand.ask(socket, "status", AskingCommand.arguments());
        } catch (ControlUnavailableException | CommandException e) {
            return AskingCommand.arguments().put("error", e.getMessage());
        }
    }
}
