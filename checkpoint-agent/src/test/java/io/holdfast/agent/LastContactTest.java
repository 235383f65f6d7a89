package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LastContactTest {

    private final LastContact contact = new LastContact();

    @Test
    void shouldHaveNoAgeBeforeTheFirst() {
        assertThat(contact.ageNanos(5)).isEmpty();
    }

    @Test
    void shouldGrowOldUntilTheNext() {
        contact.onHeard(-10);
        assertThat(contact.ageNanos(5)).hasValue(15);
        contact.onHeard(2);
        assertThat(contact.ageNanos(5)).hasValue(3);
    }

    @Test
    void shouldNotGoBackForAConnectionThatWasHeardEarlier() {
        contact.onHeard(2);
        contact.onHeard(1);
        assertThat(contact.ageNanos(5)).hasValue(3);
    }
}
