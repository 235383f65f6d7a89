package io.holdfast.reverse;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.reverse.SimulatedFailover.Client;
import io.holdfast.reverse.SimulatedFailover.Network;
import io.holdfast.reverse.SimulatedFailover.Sabotage;
import io.holdfast.reverse.SimulatedFailover.Scenario;
import io.holdfast.reverse.model.EchoHash;
import io.holdfast.reverse.model.Endpoints;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A few failovers for each combination of what connections and networks can be, by name; {@link ReverseSimulationTest} draws
 * them in large numbers. {@code -Dholdfast.simulation.seed=S} repeats a run.
 */
class ReverseCrossProductTest {

    private static final int RUNS = 1;
    private static final int CLIENTS = 2;
    private static final int REQUESTS = 30;
    private static final long SEED = Long.getLong("holdfast.simulation.seed", System.nanoTime());
    private static final long MILLI = 1_000_000L;

    enum Sequences {
        ANYWHERE,
        NEAR_THE_WRAP
    }

    /** RFC 7323, section 2. */
    enum WindowScale {
        NOT_OFFERED(-1),
        SMALL(1),
        LARGE(14);

        private final int shift;

        WindowScale(int shift) {
            this.shift = shift;
        }
    }

    enum Options {
        NONE(false, false),
        SACK(true, false),
        TIMESTAMPS(false, true),
        SACK_AND_TIMESTAMPS(true, true);

        private final boolean sack;
        private final boolean timestamps;

        Options(boolean sack, boolean timestamps) {
            this.sack = sack;
            this.timestamps = timestamps;
        }
    }

    enum Disturbance {
        NONE(0, 0, 0),
        LOSS(8, 0, 0),
        DUPLICATION(0, 8, 0),
        REORDERING(0, 0, 15),
        ALL(5, 5, 10);

        private final int lossPercent;
        private final int duplicatePercent;
        private final int reorderPercent;

        Disturbance(int lossPercent, int duplicatePercent, int reorderPercent) {
            this.lossPercent = lossPercent;
            this.duplicatePercent = duplicatePercent;
            this.reorderPercent = reorderPercent;
        }

        private Network network() {
            return new Network(lossPercent, duplicatePercent, reorderPercent);
        }
    }

    enum Path {
        IPV4(false, Endpoints.NO_VLAN),
        IPV6(true, Endpoints.NO_VLAN),
        IPV4_IN_A_VLAN(false, 7),
        IPV6_IN_A_VLAN(true, 7);

        private final boolean ipv6;
        private final int vlanId;

        Path(boolean ipv6, int vlanId) {
            this.ipv6 = ipv6;
            this.vlanId = vlanId;
        }
    }

    enum Checksums {
        FINISHED,
        LEFT_TO_THE_NIC
    }

    record Combination(
            Sequences sequences,
            WindowScale windowScale,
            Options options,
            Disturbance disturbance,
            Path path,
            Checksums checksums) {}

    private static Stream<Combination> combinations() {
        return Stream.of(Sequences.values())
                .flatMap(sequences -> Stream.of(WindowScale.values())
                        .flatMap(scale -> Stream.of(Options.values())
                                .flatMap(options -> Stream.of(Disturbance.values())
                                        .flatMap(disturbance -> Stream.of(Path.values())
                                                .flatMap(path -> Stream.of(Checksums.values())
                                                        .map(checksums -> new Combination(
                                                                sequences,
                                                                scale,
                                                                options,
                                                                disturbance,
                                                                path,
                                                                checksums)))))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("combinations")
    void shouldKeepEveryConnection(Combination combination) {
        for (long run = 0; run < RUNS; run++) {
            SimulatedFailover world = play(combination, SEED + run);
            assertThat(world.violations).as("seed %d", SEED + run).isEmpty();
            assertThat(world.reconciler().counters().divergedFlows.value())
                    .as("reset connections, seed %d", SEED + run)
                    .isZero();
            assertThat(world.failovers).isEqualTo(1);
        }
    }

    private static SimulatedFailover play(Combination of, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Scenario scenario = new Scenario(
                EchoHash::new,
                of.path.ipv6,
                of.path.vlanId,
                CLIENTS,
                of.disturbance.network(),
                of.disturbance.lossPercent / 2,
                1,
                of.options.timestamps,
                of.options.sack,
                of.windowScale.shift,
                of.checksums == Checksums.LEFT_TO_THE_NIC,
                random.nextInt(30),
                0,
                false,
                Admission.FREE,
                of.sequences == Sequences.NEAR_THE_WRAP,
                Sabotage.NONE);
        SimulatedFailover world = new SimulatedFailover(scenario, random.nextLong());
        long killNanos = (50 + random.nextInt(400)) * MILLI;
        for (int i = 0; i < CLIENTS; i++) {
            Client client = world.client(
                    random.nextLong(killNanos), world.clientConfig().build());
            client.pipelined = 1 + random.nextInt(4);
            for (int request = 1; request <= REQUESTS; request++) {
                String text = Long.toHexString(random.nextLong());
                client.requests.add(SimulatedFailover.line(request + " " + text.repeat(1 + random.nextInt(40))));
            }
        }
        world.at(0, () -> world.protect(random.nextLong(20, 150) * MILLI, random.nextLong(100) * MILLI));
        world.at(killNanos, () -> world.kill(random.nextLong(200 * MILLI), random.nextLong(100 * MILLI)));
        world.run();
        return world;
    }
}
