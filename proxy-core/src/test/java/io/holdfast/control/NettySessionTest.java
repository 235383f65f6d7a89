package io.holdfast.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The codec and the session without a socket; the command thread is a queue that the test runs by hand. */
class NettySessionTest {

    private final Queue<Runnable> commandThread = new ArrayDeque<>();
    private final Commands commands = new Commands();
    private final EmbeddedChannel channel = new EmbeddedChannel();
    private NettySession session;

    @BeforeEach
    void connect() {
        commands.add("echo", "Returns its arguments.", (arguments, session) -> arguments);
        commands.add("refuse", "Refuses.", (arguments, session) -> {
            throw new CommandException("StaleTerm", "the term is 4");
        });
        commands.add("fail", "Fails.", (arguments, session) -> {
            throw new IllegalStateException("broken\nin two lines");
        });
        commands.add("overflow", "Never ends.", (arguments, session) -> overflow(arguments.size()));
        commands.add(
                "flood",
                "Returns more than a line holds.",
                (arguments, session) -> Messages.object().put("text", "x".repeat(Messages.LINE_LIMIT_BYTES)));
        session = new NettySession(
                7,
                channel,
                commands,
                commandThread::add,
                InstantSource.fixed(Instant.ofEpochSecond(5, 6_000)),
                Messages.greeting("proxy", "0.1.0"));
        channel.pipeline().addLast(NettySession.lineDecoder(), session);
        session.channelActive(channel.pipeline().lastContext());
        assertThat(output()).containsExactly("""
                {"holdfast":{"version":"0.1.0","role":"proxy","protocol":1}}""");
    }

    @AfterEach
    void release() {
        channel.finishAndReleaseAll();
    }

    @SuppressWarnings("InfiniteRecursion")
    private static com.fasterxml.jackson.databind.JsonNode overflow(int depth) {
        return overflow(depth + 1);
    }

    private void input(String text) {
        input(text.getBytes(StandardCharsets.UTF_8));
    }

    private void input(byte[] bytes) {
        channel.writeInbound(Unpooled.wrappedBuffer(bytes));
    }

    private void runCommands() {
        for (Runnable command = commandThread.poll(); command != null; command = commandThread.poll()) {
            command.run();
        }
        channel.runPendingTasks();
    }

    private List<String> output() {
        StringBuilder text = new StringBuilder();
        for (ByteBuf buffer = channel.readOutbound(); buffer != null; buffer = channel.readOutbound()) {
            text.append(buffer.toString(StandardCharsets.UTF_8));
            buffer.release();
        }
        return new ArrayList<>(text.toString().lines().toList());
    }

    private String answer(String line) {
        input(line + "\n");
        runCommands();
        List<String> lines = output();
        assertThat(lines).hasSize(1);
        return lines.getFirst();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            7                              | 7
            -1                             | -1
            "seven"                        | "seven"
            null                           | null
            [1,{"a":true}]                 | [1,{"a":true}]
            18446744073709551616           | 18446744073709551616
            1.50                           | 1.50
            """)
    void shouldEchoAnyId(String id, String echoed) {
        assertThat(answer("{\"execute\":\"echo\",\"id\":" + id + "}"))
                .isEqualTo("{\"return\":{},\"id\":" + echoed + "}");
    }

    @Test
    void shouldAnswerWithoutIdWhereThereWasNone() {
        assertThat(answer("{\"execute\":\"echo\",\"arguments\":{\"a\":1}}")).isEqualTo("{\"return\":{\"a\":1}}");
        assertThat(answer("{\"execute\":\"echo\",\"arguments\":{\"a\":1}}\r")).isEqualTo("{\"return\":{\"a\":1}}");
    }

    @Test
    void shouldSendARefusalWithItsClassAndText() {
        assertThat(answer("{\"execute\":\"refuse\",\"id\":1}"))
                .isEqualTo("{\"error\":{\"class\":\"StaleTerm\",\"desc\":\"the term is 4\"},\"id\":1}");
    }

    @Test
    void shouldSurviveAHandlerThatFails() {
        assertThat(answer("{\"execute\":\"fail\",\"id\":1}"))
                .isEqualTo(
                        "{\"error\":{\"class\":\"InternalError\",\"desc\":\"`fail` failed:"
                                + " java.lang.IllegalStateException: broken\\nin two lines; the log has the details\"},\"id\":1}");
        assertThat(answer("{\"execute\":\"overflow\"}"))
                .contains("InternalError")
                .contains("StackOverflowError");
        assertThat(answer("{\"execute\":\"echo\"}")).isEqualTo("{\"return\":{}}");
    }

    @Test
    void shouldRefuseAReplyThatIsLongerThanALine() {
        assertThat(answer("{\"execute\":\"flood\",\"id\":1}"))
                .contains("LineTooLong")
                .contains("\"id\":1");
    }

    @Test
    void shouldGuessTheCommandThatWasMeant() {
        assertThat(answer("{\"execute\":\"subscibe\",\"id\":1}"))
                .contains("\"CommandNotFound\"")
                .contains("no command `subscibe`")
                .contains("known are commands, echo, fail");
        assertThat(answer("{\"execute\":\"ecko\",\"id\":1}")).contains("did you mean `echo`?");
    }

    @Test
    void shouldListItsCommands() throws Exception {
        assertThat(new ObjectMapper()
                        .readTree(answer("{\"execute\":\"commands\"}"))
                        .at("/return/commands/1"))
                .hasToString("{\"name\":\"echo\",\"description\":\"Returns its arguments.\"}");
        assertThat(answer("{\"execute\":\"commands\",\"arguments\":{\"x\":1}}")).contains("the command takes none");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            {                                     | not JSON
            nonsense                              | not JSON
            {"execute":"echo"} {}                 | not JSON
            {"execute":"echo","execute":"fail"}   | not JSON
            {"execute":"echo","id":NaN}           | not JSON
            {'execute':'echo'}                    | not JSON
            []                                    | must be a JSON object
            7                                     | must be a JSON object
            null                                  | must be a JSON object
            {}                                    | `execute` must be the name of a command
            {"execute":7}                         | `execute` must be the name of a command
            {"execute":"echo","arguments":[]}     | `arguments` must be an object
            {"execute":"echo","argument":{}}      | did you mean `arguments`?
            """)
    void shouldRefuseWhatIsNoRequest(String line, String expected) {
        assertThat(answer(line)).contains("\"BadJson\"").contains(expected);
        assertThat(answer("{\"execute\":\"echo\"}")).isEqualTo("{\"return\":{}}");
    }

    @Test
    void shouldKeepTheIdOfARefusedRequest() {
        assertThat(answer("{\"execute\":7,\"id\":9}")).endsWith("\"id\":9}");
    }

    @Test
    void shouldRefuseMalformedText() {
        input("{\"execute\":\"echo\",\"id\":\"\u00ff\"}\n".getBytes(StandardCharsets.ISO_8859_1));
        input("{\"execute\":\"echo\"}\n".getBytes(StandardCharsets.UTF_16BE));
        runCommands();
        assertThat(output()).hasSize(2).allSatisfy(line -> assertThat(line).contains("BadJson"));
        assertThat(answer("[".repeat(60_000))).contains("BadJson");
        assertThat(answer("{\"a\":".repeat(10_000))).contains("BadJson");
        String nested = "[".repeat(40) + "]".repeat(40);
        assertThat(answer("{\"execute\":\"echo\",\"arguments\":{\"a\":" + nested + "}}"))
                .contains("BadJson");
        assertThat(answer("{\"execute\":\"echo\",\"arguments\":{\"a\":1" + "0".repeat(100) + "}}"))
                .contains("BadJson");
        assertThat(answer("{\"execute\":\"echo\",\"id\":\"" + "x".repeat(50_000) + "\"}"))
                .contains("`id` has more than 1024 characters");
    }

    @Test
    void shouldIgnoreEmptyLines() {
        input("\n\n\r\n\n");
        runCommands();
        assertThat(output()).isEmpty();
    }

    @Test
    void shouldTakeALineOfExactlyTheLimitAndRefuseALongerOneUpToItsEnd() {
        String head = "{\"execute\":\"echo\",\"arguments\":{\"a\":\"";
        String full = head + "x".repeat(Messages.LINE_LIMIT_BYTES - head.length() - 3) + "\"}}";
        assertThat(full).hasSize(Messages.LINE_LIMIT_BYTES);
        assertThat(answer(full)).startsWith("{\"return\":{\"a\":\"xxx");

        assertThat(answer(full + " ")).contains("LineTooLong");

        input("y".repeat(Messages.LINE_LIMIT_BYTES + 1));
        runCommands();
        assertThat(output()).singleElement().asString().contains("LineTooLong");
        input("y".repeat(3 * Messages.LINE_LIMIT_BYTES));
        runCommands();
        assertThat(output()).isEmpty();
        assertThat(answer("yy\n{\"execute\":\"echo\"}")).isEqualTo("{\"return\":{}}");
    }

    @Test
    void shouldTakeBytesOneAtATimeAndHalfLinesInAnyCut() {
        for (byte b : "{\"execute\":\"echo\",\"id\":\"é\"}\n".getBytes(StandardCharsets.UTF_8)) {
            input(new byte[] {b});
        }
        runCommands();
        assertThat(output()).containsExactly("{\"return\":{},\"id\":\"é\"}");

        input("{\"execute\":\"echo\",\"id\":1}\n{\"execute\":\"ec");
        input("ho\",\"id\":2}\nnonsense\n{\"execute\":\"echo\",\"id\":3}\n{\"ex");
        runCommands();
        assertThat(output())
                .hasSize(4)
                .satisfiesExactly(
                        line -> assertThat(line).endsWith("\"id\":1}"),
                        line -> assertThat(line).endsWith("\"id\":2}"),
                        line -> assertThat(line).contains("BadJson"),
                        line -> assertThat(line).endsWith("\"id\":3}"));
    }

    @Test
    void shouldReadNothingMoreWhileARequestIsExecuted() {
        assertThat(channel.config().isAutoRead()).isTrue();
        for (String line : List.of("{\"execute\":\"echo\"}\n", "nonsense\n")) {
            input(line + line);
            assertThat(channel.config().isAutoRead()).isFalse();
            commandThread.remove().run();
            channel.runPendingTasks();
            assertThat(channel.config().isAutoRead()).isFalse();
            runCommands();
            assertThat(channel.config().isAutoRead()).isTrue();
        }
    }

    @Test
    void shouldSendEventsOnlyAfterSubscription() {
        session.emit("WALL_PRESSURE", Messages.object());
        assertThat(output()).isEmpty();
        session.subscribe();
        session.emit("WALL_PRESSURE", Messages.object().put("bytes", 3));
        assertThat(output())
                .containsExactly("{\"event\":\"WALL_PRESSURE\",\"data\":{\"bytes\":3},\"timestamp\":{\"seconds\":5,"
                        + "\"microseconds\":6}}");
    }

    @Test
    void shouldRunActionsForTheEndAfterTheCommandsThatCameBefore() {
        List<String> order = new ArrayList<>();
        commands.add("note", "Notes.", (arguments, session) -> {
            order.add("note");
            return arguments;
        });
        session.onClose(() -> order.add("closed"));
        input("{\"execute\":\"note\"}\n");
        channel.close().syncUninterruptibly();
        runCommands();
        assertThat(order).containsExactly("note", "closed");

        session.onClose(() -> order.add("late"));
        runCommands();
        assertThat(order).containsExactly("note", "closed", "late");
    }
}
