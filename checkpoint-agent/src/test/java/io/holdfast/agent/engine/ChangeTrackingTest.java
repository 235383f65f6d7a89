package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.config.DirtyPagesMethod;
import io.holdfast.testkit.InNetworkNamespace;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the kernel says of a real guest's memory against a comparison of all of it. */
@NeedsQemu
@InNetworkNamespace
class ChangeTrackingTest {

    @ParameterizedTest
    @EnumSource(DirtyPagesMethod.class)
    void shouldMissNoPageThatAGuestHasWritten(DirtyPagesMethod method) throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuEngine engine = guest.running();
                GuestMemory memory = GuestMemory.mapReadOnly(guest.memory());
                RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
            engine.trackChanges(method);
            System.out.println(method + " is " + engine.changeTracking());
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            engine.precopy(backup);
            for (int checkpoint = 0; checkpoint < 40; checkpoint++) {
                for (int write = random.nextInt(8); write > 0; write--) {
                    client.set("key" + random.nextInt(50), "v".repeat(1 + random.nextInt(20_000)));
                }
                engine.pause();
                engine.captureMemory(backup);
                assertThat(memory.segment().mismatch(backup.memory()))
                        .as("first byte that differs after checkpoint %d by %s", checkpoint, engine.changeTracking())
                        .isEqualTo(-1);
                engine.resume();
            }
        }
    }

    /** Nobody reports a page; the part of memory that is compared all the same finds one. */
    @Test
    void shouldTrustTheKernelNoLongerOnceItHasMissedAPage() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuEngine engine = guest.running();
                GuestMemory memory = GuestMemory.mapReadOnly(guest.memory());
                RedisClient client = RedisClient.connect(TestGuest.ADDRESS, 2000)) {
            engine.track(new ChangeTracking(new BlindKernel(), "blind", ""));
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            engine.precopy(backup);
            client.set("written", "unseen");
            engine.pause();
            assertThatThrownBy(() -> captureThroughAllOfMemory(engine, backup))
                    .isInstanceOf(MissedPageException.class)
                    .hasMessageContaining("changed without blind having reported it");
            assertThat(engine.changeTracking()).startsWith("comparison: page ");
            engine.precopy(backup);
            engine.captureMemory(backup);
            assertThat(memory.segment().mismatch(backup.memory())).isEqualTo(-1);
        }
    }

    private static void captureThroughAllOfMemory(QemuEngine engine, Checkpoints backup) throws EngineException {
        for (int capture = 0; capture < 600; capture++) {
            engine.captureMemory(backup);
        }
    }

    @Test
    void shouldCompareAllMemoryWhenTheKernelCannotBeAskedAnyMore() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0");
                QemuEngine engine = guest.running();
                GuestMemory memory = GuestMemory.mapReadOnly(guest.memory())) {
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            engine.track(new ChangeTracking(new BlindKernel(), "blind", ""));
            engine.precopy(backup);
            engine.track(new ChangeTracking(new DeafKernel(), "deaf", ""));
            engine.pause();
            engine.captureMemory(backup);
            assertThat(memory.segment().mismatch(backup.memory())).isEqualTo(-1);
            assertThat(engine.changeTracking()).isEqualTo("comparison: the kernel does not answer");
        }
    }

    private static class BlindKernel implements DirtyPages {

        @Override
        public String method() {
            return "blind";
        }

        @Override
        public void restart() throws EngineException {}

        @Override
        public void take(BitSet pages) throws EngineException {}

        @Override
        public void close() {}
    }

    private static final class DeafKernel extends BlindKernel {

        @Override
        public void take(BitSet pages) throws EngineException {
            throw new EngineException("the kernel does not answer");
        }
    }

    @Test
    void shouldAskTheKernelWhereQemuHasTheLibrary() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            engine.trackChanges(DirtyPagesMethod.AUTO);
            assertThat(engine.changeTracking()).isEqualTo("pagemap-scan");
        }
    }

    @Test
    void shouldSayWhyItComparesAllMemoryWhereQemuHasNot() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen("--preload", "");
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            engine.trackChanges(DirtyPagesMethod.PAGEMAP_SCAN);
            assertThat(engine.changeTracking()).startsWith("comparison: ").contains("LD_PRELOAD=holdfast-track.so");
        }
    }

    /** Also where the kernel keeps soft-dirty bits, which then must be right: see the first test. */
    @Test
    void shouldUseSoftDirtyBitsOrSayThatTheKernelKeepsNone() throws Exception {
        TestGuest.createNetwork("tap0");
        try (TestGuest guest = new TestGuest("tap0").startFrozen();
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            engine.trackChanges(DirtyPagesMethod.SOFT_DIRTY);
            assertThat(engine.changeTracking()).matches("soft-dirty|comparison: .*CONFIG_MEM_SOFT_DIRTY.*");
        }
    }
}
