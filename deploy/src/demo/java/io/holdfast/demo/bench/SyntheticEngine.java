package io.holdfast.demo.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlClient;
import io.holdfast.control.ControlEvent;
import io.holdfast.control.ControlListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * An engine without a guest: the wall gets a barrier at every interval, and the commit of the epoch before with it, as if a
 * backup had confirmed it meanwhile. With interval 0 it opens the wall and ends.
 */
@Command(name = "synthetic-engine", mixinStandardHelpOptions = true, description = "Drives a wall without a guest.")
final class SyntheticEngine implements Callable<Integer> {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LEASE_NANOS = 1_000_000_000L;

    @Option(names = "--socket", required = true, description = "the proxy's control socket")
    private Path socket = Path.of("");

    @Option(names = "--interval-millis", required = true, description = "between two barriers; 0 opens the wall")
    private int intervalMillis;

    private String incarnation = "";

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new SyntheticEngine()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, CommandException {
        try (ControlClient wall = ControlClient.connect(socket, Duration.ofSeconds(5), new Silent())) {
            JsonNode owned = wall.execute(
                    "hello",
                    JSON.createObjectNode()
                            .put("term", 1)
                            .put("claim", "promotion")
                            .put("owner", "bench")
                            .put("epoch", 1));
            incarnation = owned.path("incarnation").asText();
            if (intervalMillis == 0) {
                wall.execute("open", named().put("reason", "benchmark"));
                System.out.println("open");
            } else {
                drive(wall);
            }
            return 0;
        }
    }

    private void drive(ControlClient wall) throws IOException, CommandException {
        long nextNanos = System.nanoTime();
        long closed = 0;
        while (true) {
            if (closed > 0) {
                long leaseUntilNanos = System.nanoTime() + LEASE_NANOS;
                wall.execute("commit", named().put("epoch", closed).put("lease_until_nanos", leaseUntilNanos));
            } else {
                System.out.println("driving");
            }
            closed = wall.execute("barrier", named()).path("epoch").asLong();
            nextNanos += intervalMillis * 1_000_000L;
            LockSupport.parkNanos(nextNanos - System.nanoTime());
        }
    }

    private ObjectNode named() {
        return JSON.createObjectNode().put("incarnation", incarnation).put("term", 1);
    }

    private static final class Silent implements ControlListener {

        @Override
        public void onEvent(ControlEvent event) {}

        @Override
        public void onDisconnect(String reason) {
            System.err.println("the proxy is gone: " + reason);
        }
    }
}
