package io.holdfast.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.HoldfastConfig;
import picocli.CommandLine.Help.Ansi;

/** Draws a host's status for people, on one screen; `--json` has all of it. */
final class StatusScreen {

    private StatusScreen() {}

    static String draw(HoldfastConfig config, JsonNode status, Ansi ansi) {
        ScreenLines screen = new ScreenLines(ansi);
        screen.title("guest %s on host %s".formatted(config.guest(), config.host()));
        new ProxyLines(screen).draw(status.path("proxy"));
        if (status.has("standby")) {
            new ProxyLines(screen).drawStandby(status.path("standby"), status.path("proxy"));
        }
        new AgentLines(screen).draw(status.path("agent"));
        return screen.toString();
    }
}
