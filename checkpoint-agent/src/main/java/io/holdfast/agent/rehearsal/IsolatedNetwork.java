package io.holdfast.agent.rehearsal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.agent.engine.EngineException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The network namespace of a process, entered with nsenter of util-linux and looked at with ip of iproute2. */
final class IsolatedNetwork {

    private static final Duration IP_LIMIT = Duration.ofSeconds(10);
    private static final JsonMapper JSON = new JsonMapper();

    private final List<String> enter;

    IsolatedNetwork(long pid) {
        this.enter = List.of("nsenter", "--net=/proc/" + pid + "/ns/net", "--");
    }

    /** The taps that are there. */
    List<String> taps() throws EngineException, InterruptedException {
        List<String> names = new ArrayList<>();
        for (JsonNode link : json("link", "show", "type", "tun")) {
            names.add(link.path("ifname").asText());
        }
        return names;
    }

    /** What the kernel knows of who is at the other end of them. */
    JsonNode neighbors() throws EngineException, InterruptedException {
        return json("neighbor", "show");
    }

    /** Carries out commands of {@code ip}, one a line, also behind one that fails: kernels do not all have the same. */
    void carryOut(String batch) throws EngineException, InterruptedException {
        ip(batch, "-force", "-batch", "-");
    }

    /**
     * Runs a command in there.
     *
     * @throws IOException if it could not be started, or did not end in time
     */
    ExternalCommand.Result run(List<String> command, Map<String, String> environment, Duration limit)
            throws IOException, InterruptedException {
        List<String> inside = new ArrayList<>(enter);
        inside.addAll(command);
        return ExternalCommand.run(inside, "", environment, limit);
    }

    private JsonNode json(String... arguments) throws EngineException, InterruptedException {
        List<String> asking = new ArrayList<>(List.of("-json"));
        asking.addAll(List.of(arguments));
        ExternalCommand.Result result = ip("", asking.toArray(String[]::new));
        if (!result.succeeded()) {
            throw new EngineException("ip %s in the spare QEMU's network: %s".formatted(asking, result.output()));
        }
        try {
            return JSON.readTree(result.output().isEmpty() ? "[]" : result.output());
        } catch (JsonProcessingException e) {
            throw new EngineException("ip %s did not print JSON: %s".formatted(asking, result.output()), e);
        }
    }

    private ExternalCommand.Result ip(String input, String... arguments) throws EngineException, InterruptedException {
        List<String> command = new ArrayList<>(enter);
        command.add("ip");
        command.addAll(List.of(arguments));
        try {
            return ExternalCommand.run(command, input, Map.of(), IP_LIMIT);
        } catch (IOException e) {
            throw new EngineException("cannot look into the spare QEMU's network: " + e.getMessage(), e);
        }
    }
}
