package io.holdfast.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class EchoTest {

    /** What the thread has still to do, because it does something only when a test says so. */
    private final Queue<Runnable> waiting = new ArrayDeque<>();

    private final Echo echo = new Echo("commands", waiting::add);

    @Test
    void shouldShowNoRoundBeforeTheThreadHasComeToTheQuestion() {
        assertThat(echo.pulse()).isEqualTo(new Pulse("commands", 0));
        assertThat(echo.pulse()).isEqualTo(new Pulse("commands", 0));
    }

    @Test
    void shouldShowARoundForEachQuestionThatWasAnswered() {
        for (int round = 0; round < 3; round++) {
            assertThat(echo.pulse().rounds()).isEqualTo(round);
            waiting.remove().run();
        }
    }

    /** Whoever asks for days must not fill the memory of a thread that hangs. */
    @Test
    void shouldNotAskAgainBeforeTheLastAnswer() {
        echo.pulse();
        echo.pulse();
        assertThat(waiting).hasSize(1);
    }
}
