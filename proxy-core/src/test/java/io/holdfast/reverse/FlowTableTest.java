package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FlowTableTest {

    private static final int LIMIT = 100;
    private static final int CLIENTS = 300;

    private final SplittableRandom random = new SplittableRandom(ReverseKit.seed());
    private final FlowTable table = new FlowTable(LIMIT, random.nextLong());

    /** Whoever moves up behind one that is removed must be found all the same, and nobody else instead. */
    @Test
    void shouldFindThoseThatAreThereAndNobodyElseWhateverComesAndGoes() {
        Map<Integer, Ledger> expected = new HashMap<>();
        for (int step = 0; step < 20_000; step++) {
            int client = random.nextInt(CLIENTS);
            Ledger known = expected.remove(client);
            if (known != null) {
                assertThat(table.remove(known)).isTrue();
            } else if (expected.size() < LIMIT) {
                Ledger ledger = ledger(client);
                table.add(ledger);
                expected.put(client, ledger);
            }
            int asked = random.nextInt(CLIENTS);
            assertThat(table.find(ReverseKit.key(asked))).isSameAs(expected.get(asked));
        }
        for (int client = 0; client < CLIENTS; client++) {
            assertThat(table.find(ReverseKit.key(client))).isSameAs(expected.get(client));
        }
    }

    @Test
    void shouldRemoveNobodyForALedgerThatIsNotThere() {
        Ledger there = ledger(1);
        table.add(there);
        assertThat(table.remove(ledger(1))).isFalse();
        assertThat(table.remove(ledger(2))).isFalse();
        assertThat(table.find(ReverseKit.key(1))).isSameAs(there);
    }

    /** Else it could be made slow from outside. */
    @Test
    void shouldPutTheSameKeysElsewhereWithAnotherSecret() {
        FlowTable other = new FlowTable(LIMIT, random.nextLong());
        List<Integer> places = new ArrayList<>();
        List<Integer> otherPlaces = new ArrayList<>();
        for (int client = 0; client < LIMIT; client++) {
            places.add(table.firstPlace(ReverseKit.key(client)));
            otherPlaces.add(other.firstPlace(ReverseKit.key(client)));
        }
        assertThat(otherPlaces).isNotEqualTo(places);
    }

    private static Ledger ledger(int client) {
        return new Ledger(
                client,
                ReverseKit.key(client),
                ReverseKit.path(client),
                ReverseKit.OFFER,
                1,
                new ReleasedBytes(new DigestBudget(1), ReverseKit.HASH),
                1);
    }
}
