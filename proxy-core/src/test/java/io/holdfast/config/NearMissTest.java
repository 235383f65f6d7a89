package io.holdfast.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearMissTest {

    private static final List<String> KNOWN = List.of("barrier", "commit", "seal", "wall-limit");

    @Test
    void shouldFindTheWordThatWasMeant() {
        assertThat(NearMiss.of("barier", KNOWN)).contains("barrier");
        assertThat(NearMiss.of("COMIT", KNOWN)).contains("commit");
        assertThat(NearMiss.of("sela", KNOWN)).contains("seal");
        assertThat(NearMiss.of("wall_limit", KNOWN)).contains("wall-limit");
    }

    @Test
    void shouldNotGuessWildly() {
        assertThat(NearMiss.of("reboot", KNOWN)).isEmpty();
        assertThat(NearMiss.of("", KNOWN)).isEmpty();
        assertThat(NearMiss.of("x".repeat(60_000), KNOWN)).isEmpty();
        assertThat(NearMiss.hint("reboot", KNOWN)).isEmpty();
    }

    @Test
    void shouldPreferTheClosest() {
        assertThat(NearMiss.of("steal", List.of("seat", "seal"))).contains("seal");
    }
}
