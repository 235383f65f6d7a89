package io.holdfast.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures garbage. */
public final class Allocation {

    private static final int WINDOW_CALLS = 20_000;
    private static final int WINDOWS = 200;

    private Allocation() {}

    /** How many bytes the calling thread has allocated in its life. */
    public static long bytesOfThisThread() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    /**
     * How many bytes the calling thread allocates for one call of {@code action} in its steady state: the least of many
     * windows, since nobody can say when the last method has been compiled.
     */
    public static double bytesPerCall(Runnable action) {
        SteadyState steadyState = new SteadyState();
        while (!steadyState.isKnown()) {
            action.run();
            steadyState.onCall();
        }
        return steadyState.bytesPerCall();
    }

    /** Told of every call, on the thread that does them. Ends with the first window without garbage, or after the last. */
    public static final class SteadyState {

        private int calls;
        private int windows;
        private long windowBegin = -1;
        private double bytesPerCall = Double.MAX_VALUE;

        public void onCall() {
            if (windowBegin < 0) {
                windowBegin = bytesOfThisThread();
            } else if (++calls == WINDOW_CALLS) {
                long now = bytesOfThisThread();
                bytesPerCall = Math.min(bytesPerCall, (now - windowBegin) / (double) calls);
                calls = 0;
                windows++;
                windowBegin = bytesOfThisThread();
            }
        }

        public boolean isKnown() {
            return bytesPerCall < 1 || windows == WINDOWS;
        }

        public double bytesPerCall() {
            return bytesPerCall;
        }
    }
}
