package io.holdfast.agent.arbiter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QuestionThreadTest {

    private final QuestionThread thread = new QuestionThread("test");

    @AfterEach
    void close() {
        thread.close();
    }

    @Test
    void shouldAnswerAQuestionThatFails() throws Exception {
        Verdict verdict = ask(() -> {
            throw new IllegalStateException("no such thing");
        });
        assertThat(verdict)
                .isEqualTo(new Verdict.Unreachable(
                        "the question could not be asked: java.lang.IllegalStateException: no such thing"));
    }

    @Test
    void shouldGoOnAfterAQuestionThatFailed() throws Exception {
        ask(() -> {
            throw new IllegalStateException("no such thing");
        });
        assertThat(ask(Verdict.Granted::forGood)).isEqualTo(Verdict.Granted.forGood());
    }

    private Verdict ask(QuestionThread.Question<Verdict> question) throws Exception {
        CompletableFuture<Verdict> answer = new CompletableFuture<>();
        thread.ask(question, Verdict.Unreachable::new, answer::complete);
        return answer.get(30, TimeUnit.SECONDS);
    }
}
