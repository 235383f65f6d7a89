package io.holdfast.agent.role;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.role.SimulatedPair.Guard;
import io.holdfast.agent.role.SimulatedPair.Host;
import io.holdfast.agent.role.SimulatedPair.Sabotage;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Thousands of lives of a pair of hosts, each decided by a seed. {@code -Dholdfast.simulation.runs=N} and
 * {@code -Dholdfast.simulation.seed=S} make it longer or repeat one.
 */
class FailoverSimulationTest {

    private static final int RUNS = Integer.getInteger("holdfast.simulation.runs", 3000);
    private static final long SEED = Long.getLong("holdfast.simulation.seed", System.nanoTime());
    private static final int STEPS = 4000;

    @Test
    void shouldNeverShowAClientWhatThePromotedGuestDoesNotKnow() {
        System.out.println("seed " + SEED + ", runs " + RUNS);
        int promotions = 0;
        long released = 0;
        for (long run = 0; run < RUNS; run++) {
            SimulatedPair pair = live(SEED + run, Sabotage.NONE);
            assertThat(pair.violations())
                    .as(
                            "seed %d%n%s%n%s",
                            SEED + run, pair.violations().isEmpty() ? "" : pair.journal(), pair.describe())
                    .isEmpty();
            promotions += pair.promotions;
            released += pair.released;
        }
        System.out.println(promotions + " promotions, " + released + " frames released");
        assertThat(promotions).isGreaterThan(RUNS / 6);
        assertThat(released).isGreaterThan(RUNS * 20L);
    }

    @Test
    void shouldServeAgainWhenAllFaultsAreHealed() {
        System.out.println("seed " + SEED);
        for (long run = 0; run < RUNS / 2; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            Guard guard = guard(random);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, random.nextBoolean(), guard);
            settle(pair, random);
            assertThat(isServing(pair, random))
                    .as("before the fault: %s", pair.describe())
                    .isTrue();
            switch (random.nextInt(19)) {
                case 18 -> restartWhatALeaseHasSealed(pair, random);
                case 15 -> {
                    pair.a.diskIsFull = true;
                    pair.killStandby(pair.b); // So that it is to be armed again.
                }
                case 16 -> {
                    pair.a.diskIsFull = true;
                    pair.cutNetwork();
                }
                case 17 -> {
                    pair.b.diskIsFull = true;
                    pair.cutNetwork();
                }
                case 13 -> {
                    obstruct(pair.b, random);
                    pair.crashHost(pair.a);
                }
                case 14 -> {
                    obstruct(pair.b, random);
                    pair.cutNetwork();
                }
                case 10 -> pair.switchOver(pair.a);
                case 11 -> {
                    pair.b.failsToRestore = true;
                    pair.switchOver(pair.a);
                }
                case 12 -> {
                    pair.b.failsToRestore = guard != Guard.ARBITER_AND_FENCE; // Which kills the last guest.
                    pair.cutNetwork();
                }
                case 6 -> pair.killStandby(pair.b);
                case 7 -> pair.stopBackupAgent(pair.b);
                case 0 -> pair.crashHost(pair.a);
                case 1 -> pair.killHypervisor(pair.a);
                case 2 -> pair.crashAgent(pair.a);
                case 3 -> pair.crashProxy(pair.a);
                case 4 -> pair.crashAgent(pair.b);
                case 8 -> {
                    pair.cutNetwork();
                    pair.host(random.nextInt(2)).cutFromArbiter = true;
                    pair.losesAnswers = random.nextBoolean();
                }
                case 9 -> pair.loseDataOfArbiter();
                default -> pair.cutNetwork();
            }
            live(pair, random, random.nextInt(1500), 0);
            pair.healNetwork();
            // A primary that has the guest, and that no fence kills, is to go on instead.
            pair.b.startsNoGuest &= pair.a.guest != null && guard != Guard.ARBITER_AND_FENCE && random.nextBoolean();
            pair.losesAnswers = false;
            pair.fencesAlways = true;
            pair.a.cutFromArbiter = false;
            pair.b.cutFromArbiter = false;
            pair.a.diskIsFull = false;
            pair.b.diskIsFull = false;
            for (int host = 0; host < 2; host++) {
                pair.startProxy(pair.host(host));
                pair.startAgent(pair.host(host));
            }
            settle(pair, random);
            assertThat(isServing(pair, random))
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            assertThat(pair.violations()).isEmpty();
        }
    }

    /** The primary serves alone, loses its arbiter, and is dark; an operator restarts proxy and agent. */
    private static void restartWhatALeaseHasSealed(SimulatedPair pair, SplittableRandom random) {
        pair.crashAgent(pair.b);
        live(pair, random, 1500, 0);
        pair.a.cutFromArbiter = true;
        live(pair, random, 1500, 0);
        pair.crashProxy(pair.a);
        pair.crashAgent(pair.a);
    }

    /** Its backup has claimed the next term, and dies before a guest runs under it. */
    @Test
    void shouldKeepTheLastGuestThoughANewerTermIsClaimed() {
        System.out.println("seed " + SEED);
        for (long run = 0; run < RUNS / 30; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, random.nextBoolean(), Guard.NOTHING);
            settle(pair, random);
            pair.cutNetwork();
            for (int step = 0; step < 6000 && !pair.b.disk.term.owner().equals("b"); step++) {
                live(pair, random, 1, 0);
            }
            assertThat(pair.b.disk.term.owner()).as("seed %d", SEED + run).isEqualTo("b");
            assertThat(pair.b.guest).isNull();
            pair.crashHost(pair.b);
            pair.healNetwork();
            pair.startProxy(pair.b);
            pair.startAgent(pair.b);
            settle(pair, random);
            assertThat(pair.a.guest)
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isNotNull();
            assertThat(isServing(pair, random))
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            assertThat(pair.a.isProtected())
                    .as("seed %d: %s", SEED + run, pair.describe())
                    .isTrue();
            assertThat(pair.violations()).isEmpty();
        }
    }

    /** Its backup has served out of sight, dies, and comes back as one that knows nothing of it. */
    @Test
    void shouldNotGoOnByTheWordOfABackupThatHasLostItsDisk() {
        System.out.println("seed " + SEED);
        int contradicted = 0;
        for (long run = 0; run < RUNS / 30; run++) {
            SimulatedPair pair = loseDiskOfThePromoted(SEED + run, Sabotage.NONE);
            assertThat(pair.violations())
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isEmpty();
            contradicted += loseDiskOfThePromoted(SEED + run, Sabotage.TRUST_ANY_BACKUP)
                            .violations()
                            .isEmpty()
                    ? 0
                    : 1;
        }
        assertThat(contradicted).as("with a primary that trusts any backup").isPositive();
    }

    private static SimulatedPair loseDiskOfThePromoted(long seed, Sabotage sabotage) {
        SplittableRandom random = new SplittableRandom(seed);
        SimulatedPair pair = new SimulatedPair(sabotage, random.nextBoolean(), Guard.NOTHING);
        settle(pair, random);
        pair.cutNetwork();
        settle(pair, random);
        assertThat(pair.promotions).isEqualTo(1);
        pair.crashHost(pair.b);
        pair.loseDisk(pair.b);
        pair.healNetwork();
        pair.startProxy(pair.b);
        pair.startAgent(pair.b);
        if (random.nextBoolean()) {
            stopWhenItHasAnswered(pair, random);
        }
        settle(pair, random);
        return pair;
    }

    /** Its last word is on its way before the primary has read the first. */
    private static void stopWhenItHasAnswered(SimulatedPair pair, SplittableRandom random) {
        for (int step = 0; step < 6000 && !pair.hasMessage(false); step++) {
            live(pair, random, 1, 0);
        }
        pair.stopBackupAgent(pair.b);
    }

    /** Its backup has served, dies with its host, and comes back without a guest; the arbiter has forgotten nothing. */
    @Test
    void shouldNotGoOnFromBeforeATermThatHasServedThoughNoGuestRunsUnderIt() {
        System.out.println("seed " + SEED);
        for (long run = 0; run < RUNS / 30; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, random.nextBoolean(), Guard.ARBITER);
            settle(pair, random);
            if (random.nextBoolean()) {
                pair.crashAgent(pair.a);
            } else {
                pair.cutNetwork();
                pair.a.cutFromArbiter = true;
            }
            settle(pair, random);
            assertThat(pair.promotions).as("seed %d", SEED + run).isEqualTo(1);
            pair.crashHost(pair.b);
            pair.healNetwork();
            pair.a.cutFromArbiter = false;
            pair.startProxy(pair.b);
            pair.startAgent(pair.b);
            pair.startAgent(pair.a);
            settle(pair, random);
            assertThat(pair.a.guest).as("seed %d", SEED + run).isNotNull();
            assertThat(pair.violations())
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isEmpty();
        }
    }

    /** Its host comes back without the guest before the arbiter can be asked by the backup, which has the last of it. */
    @Test
    void shouldLeaveTheGuestToTheBackupWhenItsHostComesBackWithoutIt() {
        System.out.println("seed " + SEED);
        for (long run = 0; run < RUNS / 30; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, random.nextBoolean(), Guard.ARBITER);
            settle(pair, random);
            pair.b.cutFromArbiter = true;
            pair.crashHost(pair.a);
            live(pair, random, random.nextInt(1500), 0);
            pair.startProxy(pair.a);
            pair.startAgent(pair.a);
            live(pair, random, random.nextInt(1500), 0);
            pair.b.cutFromArbiter = false;
            settle(pair, random);
            assertThat(isServing(pair, random))
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            assertThat(pair.violations()).isEmpty();
        }
    }

    /** Its backup can be reached again in the moment in which the arbiter lets it go on alone, and follows the term before. */
    @Test
    void shouldArmNoBackupOfATermThatIsOver() {
        System.out.println("seed " + SEED);
        int armed = 0;
        for (long run = 0; run < RUNS / 10; run++) {
            SimulatedPair pair = healWhenThePrimaryGoesOnAlone(SEED + run, Sabotage.NONE);
            assertThat(pair.violations())
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isEmpty();
            armed += healWhenThePrimaryGoesOnAlone(SEED + run, Sabotage.ARM_UNDER_AN_OLDER_TERM)
                            .violations()
                            .isEmpty()
                    ? 0
                    : 1;
        }
        assertThat(armed).as("with a primary that does not look at the term").isPositive();
    }

    private static SimulatedPair healWhenThePrimaryGoesOnAlone(long seed, Sabotage sabotage) {
        SplittableRandom random = new SplittableRandom(seed);
        SimulatedPair pair = new SimulatedPair(sabotage, random.nextBoolean(), Guard.ARBITER);
        settle(pair, random);
        pair.cutNetwork();
        pair.crashAgent(pair.b);
        pair.startAgent(pair.b); // With nothing to promote.
        for (int step = 0; step < 6000 && !pair.isAloneGranted(); step++) {
            live(pair, random, 1, 0);
        }
        pair.healNetwork();
        settle(pair, random);
        return pair;
    }

    /** Without an operator, because it has promised not to promote. */
    @Test
    void shouldServeOnWithoutABackupThatHasRelinquished() {
        System.out.println("seed " + SEED);
        for (long run = 0; run < RUNS / 10; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, random.nextBoolean(), guard(random));
            settle(pair, random);
            pair.stopBackupAgent(pair.b);
            settle(pair, random);
            assertThat(isServing(pair, random))
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            assertThat(pair.violations()).isEmpty();
        }
    }

    /** Its backup, which cannot be armed or cannot follow, comes again and again. */
    @Test
    void shouldServeOnAloneWhileADiskIsFullAndBeProtectedWhenItIsNot() {
        System.out.println("seed " + SEED);
        for (long run = 0; run < RUNS / 30; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, true, guard(random));
            Host full = pair.host(random.nextInt(2));
            full.diskIsFull = true;
            settle(pair, random);
            assertThat(pair.a.isProtected()).isFalse();
            assertThat(isServing(pair, random))
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            pair.cutNetwork();
            settle(pair, random);
            assertThat(isServing(pair, random))
                    .as("cut off, seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            pair.healNetwork();
            full.diskIsFull = false;
            settle(pair, random);
            assertThat(pair.a.isProtected())
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .isTrue();
            assertThat(pair.violations()).isEmpty();
        }
    }

    @Test
    void shouldHandOverWithoutTakingAnythingBackOrLosingAnything() {
        System.out.println("seed " + SEED);
        int handedOver = 0;
        for (long run = 0; run < RUNS / 10; run++) {
            SplittableRandom random = new SplittableRandom(SEED + run);
            SimulatedPair pair = new SimulatedPair(Sabotage.NONE, random.nextBoolean(), guard(random));
            pair.drainsAlways = true;
            settle(pair, random);
            pair.switchOver(pair.a);
            settle(pair, random);
            if (pair.lossesOnPurpose > 0) {
                continue;
            }
            handedOver++;
            assertThat(pair.branches())
                    .as("seed %d: %s%n%s", SEED + run, pair.describe(), pair.journal())
                    .hasSize(1);
            assertThat(pair.unseenBefore(pair.branches().getFirst()))
                    .as("output of before the switchover that nobody has seen; seed %d%n%s", SEED + run, pair.journal())
                    .isZero();
            assertThat(isServing(pair, random)).as("seed %d", SEED + run).isTrue();
            assertThat(pair.violations()).isEmpty();
        }
        assertThat(handedOver).isGreaterThan(RUNS / 20);
    }

    @ParameterizedTest
    @EnumSource(
            value = Sabotage.class,
            mode = EnumSource.Mode.EXCLUDE,
            // So rare that tests of their own lead up to them.
            names = {"NONE", "GRANT_AFTER_LOSS_OF_DATA", "TRUST_ANY_BACKUP", "ARM_UNDER_AN_OLDER_TERM"})
    void shouldSeeTheViolationWhenARuleIsBroken(Sabotage sabotage) {
        for (long run = 0; run < 100_000; run++) {
            if (!live(SEED + run, sabotage).violations().isEmpty()) {
                return;
            }
        }
        assertThat(false).as("no violation in 100,000 runs with " + sabotage).isTrue();
    }

    private static SimulatedPair live(long seed, Sabotage sabotage) {
        SplittableRandom random = new SplittableRandom(seed);
        SimulatedPair pair = new SimulatedPair(sabotage, random.nextBoolean(), guard(random));
        live(pair, random, STEPS, random.nextInt(4) == 0 ? 40 : 6);
        return pair;
    }

    private static Guard guard(SplittableRandom random) {
        return switch (random.nextInt(3)) {
            case 0 -> Guard.NOTHING;
            case 1 -> Guard.ARBITER;
            default -> Guard.ARBITER_AND_FENCE;
        };
    }

    private static boolean isServing(SimulatedPair pair, SplittableRandom random) {
        int before = pair.released;
        live(pair, random, 3000, 0);
        return pair.released > before;
    }

    private static void settle(SimulatedPair pair, SplittableRandom random) {
        live(pair, random, 6000, 0);
    }

    private static void live(SimulatedPair pair, SplittableRandom random, int steps, int faultsPerTenThousand) {
        for (int step = 0; step < steps; step++) {
            Host host = pair.host(random.nextInt(2));
            if (random.nextInt(10_000) < faultsPerTenThousand) {
                fault(pair, random, host);
            }
            switch (random.nextInt(11)) {
                case 10 -> pair.arbiterStep(host);
                case 0 -> pair.guestStep(host);
                case 1 -> pair.captureStep(host);
                case 2, 3 -> pair.releaseStep(host);
                case 4 -> pair.engineStep(host);
                case 5 -> pair.wallStep(host);
                case 6 -> pair.deliverStep(true);
                case 7 -> pair.deliverStep(false);
                default -> {
                    pair.nowNanos += random.nextLong(5 * SimulatedPair.MILLI);
                    pair.tickStep(host);
                }
            }
        }
    }

    private static void obstruct(Host host, SplittableRandom random) {
        host.startsNoGuest = random.nextBoolean();
        host.diskIsFull = !host.startsNoGuest;
    }

    private static void fault(SimulatedPair pair, SplittableRandom random, Host host) {
        switch (random.nextInt(23)) {
            case 22 -> host.diskIsFull = !host.diskIsFull;
            case 21 -> host.startsNoGuest = !host.startsNoGuest;
            case 19 -> host.failsToRestore = true;
            case 20 -> pair.loseDisk(host);
            case 14 -> host.cutFromArbiter = !host.cutFromArbiter;
            case 15 -> {
                host.cutFromArbiter = false;
                pair.losesAnswers = !pair.losesAnswers;
            }
            case 16 -> {
                if (random.nextInt(4) == 0) {
                    pair.loseDataOfArbiter();
                }
            }
            case 17, 18 -> pair.switchOver(host);
            case 12 -> pair.killStandby(host);
            case 13 -> pair.stopBackupAgent(host);
            case 0, 1 -> pair.crashHost(host);
            case 2 -> pair.crashAgent(host);
            case 3 -> pair.crashProxy(host);
            case 4 -> pair.killHypervisor(host);
            case 5 -> pair.cutNetwork();
            case 6, 7 -> pair.healNetwork();
            case 8 -> host.frozen = !host.frozen;
            default -> {
                pair.startProxy(host);
                pair.startAgent(host);
            }
        }
    }
}
