package io.holdfast.cli.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.holdfast.agent.HoldfastAgent;
import io.holdfast.cli.Schemas;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlClient;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.wall.WallRefusal;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whether the schemas of the control protocol know all that can be said. What is said in other tests, {@link Engine} looks at. */
@InNetworkNamespace
class ControlContractTest {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Pattern LITERAL_ERROR_CLASS = Pattern.compile("CommandException\\(\\s*\"(\\w+)\"");

    @TempDir
    Path directory;

    @Test
    void shouldDescribeEveryCommandOfTheProxy() throws Exception {
        Cables.plugIn(0);
        HoldfastConfig config = HoldfastConfig.read(Cables.writeConfig(directory));
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                Engine engine = new Engine(config.proxySocket())) {
            assertThat(names(engine.execute("commands", "{}"))).isEqualTo(Schemas.described("proxy.json"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"primary", "backup"})
    void shouldDescribeEveryCommandOfTheAgentAndItsStatus(String role) throws Exception {
        HoldfastConfig config = HoldfastConfig.read(writeAgentConfig(role));
        try (HoldfastAgent agent = new HoldfastAgent(config)) {
            agent.start();
            try (ControlClient client = ControlClient.connect(config.agentSocket(), Duration.ofSeconds(10))) {
                JsonNode commands = client.execute("commands", JSON.createObjectNode());
                Schemas.assertExchange("agent", "commands", JSON.createObjectNode(), commands);
                assertThat(names(commands)).isEqualTo(Schemas.described("agent.json"));
                Schemas.assertExchange(
                        "agent", "status", JSON.createObjectNode(), client.execute("status", JSON.createObjectNode()));
            }
        }
    }

    @Test
    void shouldDescribeEveryEventOfTheProxy() {
        assertThat(Schemas.described("events.json"))
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(ProxyEvent.values()).map(Enum::name).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"checkpoint-agent/src/main", "deploy/src/main/java/io/holdfast/cli/proxy"})
    void shouldNameEveryClassOfAnError(String sources) throws Exception {
        try (Stream<Path> files = Files.walk(Path.of("..", sources))) {
            Set<String> classes = files.filter(file -> file.toString().endsWith(".java"))
                    .flatMap(ControlContractTest::errorClasses)
                    .collect(Collectors.toSet());
            assertThat(classes).isNotEmpty().allSatisfy(Schemas::assertErrorClass);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldNameEveryReasonForWhichAWallRefuses(WallRefusal.Reason reason) {
        Schemas.assertErrorClass(reason.errorClass());
    }

    /** The line itself, because a client shows only what is in it. */
    @Test
    void shouldGreetAnswerAndRefuseInLinesOfTheDescribedForm() throws Exception {
        Cables.plugIn(0);
        HoldfastConfig config = HoldfastConfig.read(Cables.writeConfig(directory));
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(config.proxySocket()));
            BufferedReader lines = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
            Schemas.assertFits("lines.json", "greeting", JSON.readTree(lines.readLine()));
            Schemas.assertFits("lines.json", "return", answer("{\"execute\":\"held\",\"id\":[1]}", channel, lines));
            Schemas.assertFits("lines.json", "error", answer("{\"execute\":\"no-such\"}", channel, lines));
            Schemas.assertFits("lines.json", "error", answer("no JSON", channel, lines));
        }
    }

    @Test
    void shouldServeTheStatusOverHttpAsDescribed() throws Exception {
        Cables.plugIn(0);
        HoldfastConfig config = HoldfastConfig.read(Cables.writeConfig(directory));
        try (HoldfastProxy proxy = HoldfastProxy.start(config, false, "test");
                Engine engine = new Engine(config.proxySocket())) {
            engine.hello(1);
            Thread.sleep(1_500); // It looks once a second.
            try (var in =
                    URI.create("http://127.0.0.1:9601/status.json").toURL().openStream()) {
                JsonNode status = JSON.readTree(in);
                assertThat(status.at("/history/at_s")).isNotEmpty();
                assertThat(status.path("events")).isNotEmpty();
                Schemas.assertFits("status-page.json", "", status);
            }
        }
    }

    private static Stream<String> errorClasses(Path file) {
        try {
            return LITERAL_ERROR_CLASS
                    .matcher(Files.readString(file))
                    .results()
                    .map((MatchResult result) -> result.group(1))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonNode answer(String line, SocketChannel channel, BufferedReader lines) throws IOException {
        channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
        return JSON.readTree(lines.readLine());
    }

    private static Set<String> names(JsonNode commands) {
        Set<String> names = new TreeSet<>();
        commands.path("commands")
                .forEach(command -> names.add(command.path("name").asText()));
        return names;
    }

    private Path writeAgentConfig(String role) throws IOException {
        return Files.writeString(directory.resolve("agent.yaml"), """
                guest: redis
                host: a
                runtime-directory: %1$s
                state-directory: %1$s
                agent:
                  role: %2$s
                  guest-ports: [tap0]
                  wall: peer
                  http: 127.0.0.1:9602
                  link:
                    listen: 127.0.0.1:7700
                    peer: 127.0.0.1:7701
                    insecure: true
                  qemu:
                    memory: %1$s/guest.ram
                    command: /bin/false
                """.formatted(directory, role));
    }
}
