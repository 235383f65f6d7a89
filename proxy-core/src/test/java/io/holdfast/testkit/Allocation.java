package io.holdfast.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures garbage. */
public final class Allocation {

    private static final int WARM_UP_CALLS = 50_000;
    private static final int MEASURED_CALLS = 20_000;

    private Allocation() {}

    /** How many bytes the calling thread has allocated in its life. */
    public static long bytesOfThisThread() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    /** How many bytes the calling thread allocates for one call of {@code action}, once that has been compiled. */
    public static double bytesPerCall(Runnable action) {
        for (int i = 0; i < WARM_UP_CALLS; i++) {
            action.run();
        }
        long before = bytesOfThisThread();
        for (int i = 0; i < MEASURED_CALLS; i++) {
            action.run();
        }
        return (bytesOfThisThread() - before) / (double) MEASURED_CALLS;
    }
}
