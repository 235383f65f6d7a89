package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MarksTest {

    private final Marks marks = new Marks();

    @Test
    void shouldGiveBackWhatWasNoted() {
        marks.add(3, 30, 300, 3_000, -3, -33);
        assertThat(marks.at(3)).isEqualTo(new Mark(3, 30, 300, 3_000, -3, -33));
    }

    @Test
    void shouldTellOneNumberAsItTellsAll() {
        addThrough(3);
        assertThat(marks.guestEndAt(2)).isEqualTo(20);
        assertThat(marks.guestAckAt(2)).isEqualTo(200);
    }

    @Test
    void shouldTellTheNewestThatIsNotNewer() {
        addThrough(3);
        assertThat(endAt(99)).isEqualTo(30);
    }

    @Test
    void shouldKnowNothingOfEarlierEpochs() {
        marks.add(3, 30, 300, 3_000, 0, 0);
        assertThat(marks.at(2)).isNull();
        assertThat(marks.guestEndAt(2)).isZero();
        assertThat(marks.guestAckAt(2)).isZero();
    }

    @Test
    void shouldLoseNothingHoweverManyWaitToBeConfirmed() {
        addThrough(2);
        marks.forgetBefore(2); // The ring begins in the middle.
        for (int epoch = 3; epoch <= 50; epoch++) {
            add(epoch);
        }
        for (int epoch = 2; epoch <= 50; epoch++) {
            assertThat(endAt(epoch)).isEqualTo(10L * epoch);
        }
    }

    @Test
    void shouldKeepTheNewestThatIsConfirmed() {
        addThrough(4);
        marks.forgetBefore(3);
        assertThat(marks.at(2)).isNull();
        assertThat(endAt(3)).isEqualTo(30);
    }

    @Test
    void shouldKeepTheLastHoweverOld() {
        addThrough(2);
        marks.forgetBefore(99);
        assertThat(endAt(99)).isEqualTo(20);
    }

    private void addThrough(int last) {
        for (int epoch = 1; epoch <= last; epoch++) {
            add(epoch);
        }
    }

    private void add(int epoch) {
        marks.add(epoch, 10L * epoch, 100L * epoch, 1_000L * epoch, 0, 0);
    }

    private long endAt(long epoch) {
        Mark mark = marks.at(epoch);
        if (mark == null) {
            throw new AssertionError("nothing is known of epoch " + epoch);
        }
        return mark.guestEnd();
    }
}
