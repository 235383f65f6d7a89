package io.holdfast.arp;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.arp.ConflictReports.Report;
import io.holdfast.frame.MacAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** With the clock stepped by hand. */
class ConflictReportsTest {

    /** Such that it overflows soon. */
    private static final long START_NANOS = Long.MAX_VALUE - 1_000;

    private static final long SECOND_NANOS = 1_000_000_000;

    private final ConflictReports reports = new ConflictReports();

    @Test
    void shouldTellOfANewOneAtOnceAndThenOncePerSecondWhileItGoesOn() {
        assertThat(at(0, seen(1))).containsExactly(new Report(seen(1), true));
        assertThat(at(1, seen(2))).isEmpty();
        assertThat(at(SECOND_NANOS - 1, seen(900))).isEmpty();
        assertThat(at(SECOND_NANOS, seen(901))).containsExactly(new Report(seen(901), false));
        assertThat(at(SECOND_NANOS + 1, seen(902))).isEmpty();
        assertThat(at(9 * SECOND_NANOS, seen(902))).containsExactly(new Report(seen(902), false));
        assertThat(at(20 * SECOND_NANOS, seen(902))).as("it has ended").isEmpty();
    }

    @Test
    void shouldTellOfEachByItself() {
        Conflict other = conflict("52:54:00:99:99:98", false, 1);
        assertThat(at(0, seen(1))).hasSize(1);
        assertThat(at(1, seen(2), other)).containsExactly(new Report(other, true));
    }

    @Test
    void shouldSayAsNewsThatTheOwnerIsConcerned() {
        assertThat(at(0, conflict("52:54:00:99:99:99", true, 1))).hasSize(1);
        assertThat(at(SECOND_NANOS, seen(2))).containsExactly(new Report(seen(2), true));
    }

    @Test
    void shouldTellNoMoreOftenOfOneThatIsResolvedAndComesAgain() {
        assertThat(at(0, seen(1))).hasSize(1);
        assertThat(at(10)).isEmpty();
        assertThat(at(20, seen(7))).isEmpty();
        assertThat(at(SECOND_NANOS, seen(7))).containsExactly(new Report(seen(7), false));
        assertThat(at(9 * SECOND_NANOS)).isEmpty();
        assertThat(at(9 * SECOND_NANOS, seen(7))).as("long forgotten").containsExactly(new Report(seen(7), true));
    }

    private List<Report> at(long passedNanos, Conflict... present) {
        return reports.due(List.of(present), START_NANOS + passedNanos);
    }

    private static Conflict seen(long count) {
        return conflict("52:54:00:99:99:99", false, count);
    }

    private static Conflict conflict(String mac, boolean inDoubt, long count) {
        return new Conflict(
                "net0", ConflictKind.IPV4, "10.0.0.5", MacAddress.parse(mac), List.of(), inDoubt, count, 0, count);
    }
}
