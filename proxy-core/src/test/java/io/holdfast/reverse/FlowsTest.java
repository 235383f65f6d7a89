package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.model.Segment;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class FlowsTest {

    private static final int LIMIT = 3;

    private final DigestBudget budget = new DigestBudget(100);
    private final Flows flows = new Flows(LIMIT, budget, ReverseKit.HASH_SEED);

    @Test
    void shouldFindALedgerByItsHeadersAndByItsNumber() {
        begin(0);
        Ledger ledger = begun(1);
        assertThat(flows.find(ReverseKit.key(1))).isSameAs(ledger);
        assertThat(flows.find(ledger.id)).isSameAs(ledger);
        assertThat(flows.find(ReverseKit.key(2))).isNull();
    }

    @Test
    void shouldFindTheSameLedgerFromBothSides() {
        Ledger ledger = begun(1);
        MemorySegment answer = ReverseKit.frame(ReverseKit.client(1).reversed(), Segment.withFlags(Segment.ACK));
        assertThat(flows.find(new FlowKey().setGuestSide(0, ReverseKit.view(answer))))
                .isSameAs(ledger);
    }

    @Test
    void shouldTellConnectionsApartByNicAndVlan() {
        begin(1);
        MemorySegment tagged = ReverseKit.frame(ReverseKit.client(1).inVlan(7), Segment.withFlags(Segment.ACK));
        MemorySegment untagged = ReverseKit.frame(ReverseKit.client(1), Segment.withFlags(Segment.ACK));
        assertThat(flows.find(new FlowKey().setClientSide(0, ReverseKit.view(tagged))))
                .isNull();
        assertThat(flows.find(new FlowKey().setClientSide(1, ReverseKit.view(untagged))))
                .isNull();
    }

    @Test
    void shouldBeginNoMoreThanTheLimit() {
        for (int client = 0; client < LIMIT; client++) {
            begun(client);
        }
        assertThat(begin(LIMIT)).isNull();
        assertThat(flows.count()).isEqualTo(LIMIT);
    }

    @Test
    void shouldMakeRoomByEndingOneThatIsFinished() {
        Ledger open = begun(0);
        Ledger finished = begun(1);
        begun(2);
        flows.watchEnding(open);
        flows.watchEnding(finished);
        finished.finishedEpoch = 5;
        assertThat(begin(3)).isNotNull();
        assertThat(flows.find(finished.id)).isNull();
        assertThat(flows.find(open.id)).isSameAs(open);
    }

    @Test
    void shouldNeverUseANumberAgain() {
        List<Long> numbers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Ledger ledger = begun(i % LIMIT);
            numbers.add(ledger.id);
            flows.end(ledger);
        }
        assertThat(numbers).doesNotHaveDuplicates();
    }

    @Test
    void shouldNotFindByAnOldNumberWhatTookItsPlace() {
        Ledger old = begun(0);
        flows.end(old);
        begun(0);
        assertThat(flows.find(old.id)).isNull();
    }

    @Test
    void shouldNotEndTheNextOneBetweenTheSamePortsForAnOldOne() {
        Ledger old = begun(0);
        flows.end(old);
        Ledger next = begun(0);
        flows.end(old);
        assertThat(flows.find(ReverseKit.key(0))).isSameAs(next);
    }

    @Test
    void shouldGiveTheDigestsOfAnEndedOneBack() {
        Ledger ledger = begun(0);
        ledger.released.put(ledger.released.end(), MemorySegment.ofArray(new byte[1_000]), 0, 1_000);
        flows.end(ledger);
        assertThat(budget.usedBlocks()).isZero();
    }

    @Test
    void shouldEndOneThatTheGuestHasResetWhenACheckpointKnowsIt() {
        Ledger ledger = ending(0);
        ledger.guestResetEpoch = 5;
        flows.endThoseOverAt(4);
        assertThat(flows.count()).isOne();
        flows.endThoseOverAt(5);
        assertThat(flows.count()).isZero();
    }

    /** What the client sent may have been on its way for one epoch. */
    @Test
    void shouldEndOneThatTheClientHasResetAnEpochLater() {
        Ledger ledger = ending(0);
        ledger.clientResetEpoch = 5;
        flows.endThoseOverAt(5);
        assertThat(flows.count()).isOne();
        flows.endThoseOverAt(6);
        assertThat(flows.count()).isZero();
    }

    @Test
    void shouldEndAFinishedOneAnEpochLater() {
        Ledger ledger = ending(0);
        ledger.finishedEpoch = 5;
        flows.endThoseOverAt(5);
        assertThat(flows.count()).isOne();
        flows.endThoseOverAt(6);
        assertThat(flows.count()).isZero();
    }

    /** What its guest repeats would not be understood without it. */
    @Test
    void shouldKeepAFinishedOneWhoseNumbersAreTranslated() {
        Ledger ledger = ending(0);
        ledger.finishedEpoch = 5;
        ledger.translation = new Translation(0, 0, 1, 1);
        flows.endThoseOverAt(100);
        assertThat(flows.count()).isOne();
    }

    @Test
    void shouldAskAgainAboutOneThatIsNotYetOver() {
        Ledger early = ending(0);
        Ledger late = ending(1);
        early.guestResetEpoch = 5;
        late.guestResetEpoch = 6;
        flows.endThoseOverAt(5);
        assertThat(flows.all()).containsExactly(late);
        flows.endThoseOverAt(6);
        assertThat(flows.all()).isEmpty();
    }

    private @Nullable Ledger begin(int client) {
        return flows.begin(ReverseKit.key(client), ReverseKit.path(client), ReverseKit.OFFER, 7, 1);
    }

    private Ledger begun(int client) {
        Ledger ledger = begin(client);
        if (ledger == null) {
            throw new AssertionError("no room for client " + client);
        }
        return ledger;
    }

    private Ledger ending(int client) {
        Ledger ledger = begun(client);
        flows.watchEnding(ledger);
        return ledger;
    }

    /** Without commits nobody looks through those that are ending. */
    @Test
    void shouldNotKeepEndedConnectionsWithoutABackup() {
        Flows flows = new Flows(1, new DigestBudget(10), ReverseKit.HASH_SEED);
        WeakReference<Ledger> first = new WeakReference<>(finish(flows));
        finish(flows);
        finish(flows);
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(10), () -> {
            while (first.get() != null) {
                System.gc();
                Thread.sleep(10);
            }
        });
    }

    private static Ledger finish(Flows flows) {
        Ledger ledger =
                Objects.requireNonNull(flows.begin(ReverseKit.key(0), ReverseKit.path(0), ReverseKit.OFFER, 1, 1));
        flows.watchEnding(ledger);
        ledger.finishedEpoch = 1;
        return ledger;
    }
}
