package io.holdfast.agent.engine;

import io.holdfast.config.DirtyPagesMethod;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * Where the time of a pause goes, for a guest that runs already. By hand:
 *
 * <pre>java -cp ... io.holdfast.agent.engine.PauseBreakdown QMP_SOCKET MEMORY_FILE [CHECKPOINTS [INTERVAL_MILLIS]]</pre>
 */
final class PauseBreakdown {

    private PauseBreakdown() {}

    public static void main(String[] arguments) throws Exception {
        int checkpoints = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 400;
        long intervalMillis = arguments.length > 3 ? Long.parseLong(arguments[3]) : 50;
        long[] stop = new long[checkpoints];
        long[] devices = new long[checkpoints];
        long[] comparison = new long[checkpoints];
        long[] cont = new long[checkpoints];
        long[] whole = new long[checkpoints];
        long[] pages = new long[checkpoints];
        long[] stateBytes = new long[checkpoints];
        try (QemuEngine engine = QemuEngine.attach(Path.of(arguments[0]), Path.of(arguments[1]))) {
            engine.trackChanges(arguments.length > 4 ? DirtyPagesMethod.valueOf(arguments[4]) : DirtyPagesMethod.AUTO);
            System.out.println("changes by " + engine.changeTracking());
            Checkpoints backup = new Checkpoints(engine.memoryBytes());
            long start = System.nanoTime();
            engine.precopy(backup);
            long precopied = System.nanoTime();
            System.out.printf(
                    Locale.ROOT,
                    "precopy %.1f ms, %d pages with content, %d zero%n",
                    (precopied - start) / 1e6,
                    backup.pagesWithContent(),
                    backup.zeroPages());
            for (int i = 0; i < checkpoints; i++) {
                Thread.sleep(intervalMillis);
                long before = backup.pages();
                long t0 = System.nanoTime();
                engine.pause();
                long t1 = System.nanoTime();
                byte[] state = engine.saveDevices();
                long t2 = System.nanoTime();
                engine.captureMemory(backup);
                long t3 = System.nanoTime();
                engine.resume();
                long t4 = System.nanoTime();
                stop[i] = t1 - t0;
                devices[i] = t2 - t1;
                comparison[i] = t3 - t2;
                cont[i] = t4 - t3;
                whole[i] = t4 - t0;
                pages[i] = backup.pages() - before;
                stateBytes[i] = state.length;
            }
        }
        print("stop", stop);
        print("device state", devices);
        print("changes", comparison);
        print("cont", cont);
        print("whole pause", whole);
        System.out.printf("pages %d, device state %d bytes (medians)%n", median(pages), median(stateBytes));
    }

    private static void print(String name, long[] nanos) {
        Arrays.sort(nanos);
        System.out.printf(
                Locale.ROOT,
                "%-14s median %6.2f ms   p90 %6.2f ms   p99 %6.2f ms%n",
                name,
                nanos[nanos.length / 2] / 1e6,
                nanos[nanos.length * 9 / 10] / 1e6,
                nanos[nanos.length * 99 / 100] / 1e6);
    }

    private static long median(long[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
