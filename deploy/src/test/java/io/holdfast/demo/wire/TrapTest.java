package io.holdfast.demo.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TrapTest {

    private static final String COMMIT = "{\"execute\":\"commit\",\"arguments\":{\"epoch\":7},\"id\":3}";

    private int sprung;
    private final Trap trap = new Trap(() -> sprung++);

    @Test
    void shouldHandOnEverythingUntilItIsSet() {
        assertThat(trap.passesRequest(COMMIT)).isTrue();
        assertThat(trap.passesReply("{\"return\":{},\"id\":3}")).isTrue();
        assertThat(trap.passesOfBytes(100)).isEqualTo(100);
    }

    @Test
    void shouldKeepTheRequestThatItWasSetForAndAllThatFollows() {
        trap.setBeforeRequest("commit", 1);
        assertThat(trap.passesRequest(COMMIT)).isTrue();
        assertThat(trap.passesRequest(COMMIT)).isFalse();
        assertThat(trap.passesRequest("{\"execute\":\"barrier\",\"id\":4}")).isFalse();
        assertThat(trap.passesReply("{\"return\":{},\"id\":3}")).isFalse();
        assertThat(sprung).isEqualTo(1);
    }

    @Test
    void shouldKeepTheAnswerThatItWasSetForAndNotTheOneBefore() {
        trap.setBeforeReply("commit", 0);
        assertThat(trap.passesRequest(COMMIT)).isTrue();
        assertThat(trap.passesReply("{\"return\":{\"id\":9},\"id\":2}")).isTrue();
        assertThat(trap.passesReply("{\"return\":{\"id\":9},\"id\":3}")).isFalse();
        assertThat(sprung).isEqualTo(1);
    }

    @Test
    void shouldCutInTheMiddleOfTheBytes() {
        trap.setAmidBytes(150);
        assertThat(trap.passesOfBytes(100)).isEqualTo(100);
        assertThat(trap.passesOfBytes(100)).isEqualTo(50);
        assertThat(trap.passesOfBytes(100)).isZero();
        assertThat(sprung).isEqualTo(1);
    }
}
