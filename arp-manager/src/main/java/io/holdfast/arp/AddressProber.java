package io.holdfast.arp;

import io.holdfast.frame.MacAddress;
import io.holdfast.measure.Counter;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out {@link AddressProbe}s, one at a time: asks at the beginning and again after half of the time, because a frame may
 * get lost, and tells when one has ended, which is with the first answer of an old owner or when its time is over.
 *
 * <p><b>Threads.</b> One of its own, which sends and tells; everything may be called by any thread and does not wait for it.
 */
public final class AddressProber implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AddressProber.class);

    /**
     * A probe that has begun.
     *
     * @param number its own, from 1 on
     * @param frames how many questions one round has; 0 if there is nothing to ask for
     */
    public record Begun(long number, int frames) {}

    /**
     * A probe that has ended.
     *
     * @param oldOwner the answer of a guest that still speaks elsewhere
     * @param others who else uses its addresses
     */
    public record Ended(long number, Optional<ProbeAnswer> oldOwner, List<ProbeAnswer> others) {
        public Ended {
            others = List.copyOf(others);
        }
    }

    private final Map<String, FrameSender> senderByNic;
    private final Consumer<Ended> onEnd;
    private final ScheduledThreadPoolExecutor executor;
    private final AtomicLong lastNumber = new AtomicLong();

    /** Written by the prober's thread alone. */
    private volatile @Nullable Run current;

    // The prober's thread's.
    private final Counter answeredProbes = new Counter();
    private final Counter unansweredProbes = new Counter();

    private record Run(long number, AddressProbe probe) {}

    /**
     * A prober at rest.
     *
     * @param senderByNic for each NIC, by its name, the port towards the uplink
     * @param onEnd called by the prober's thread, once for each probe that has begun, unless the prober is closed before
     */
    public AddressProber(Map<String, FrameSender> senderByNic, Consumer<Ended> onEnd) {
        this.senderByNic = Map.copyOf(senderByNic);
        this.onEnd = onEnd;
        this.executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "holdfast-prober");
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /**
     * Begins to ask; one that is under way ends with what it has.
     *
     * @param asked what the guest is known by
     * @param hostMacByNic for each NIC that can be asked on, the host's own MAC address there
     * @throws IllegalArgumentException if one of these is the guest's
     */
    public Begun begin(GuestAddresses asked, Map<String, MacAddress> hostMacByNic, long durationNanos) {
        long number = lastNumber.incrementAndGet();
        AddressProbe probe = new AddressProbe(asked, hostMacByNic, () -> endSoon(number));
        int frames = probe.framesByNic().values().stream().mapToInt(List::size).sum();
        executor.execute(guarded(() -> run(new Run(number, probe), durationNanos)));
        return new Begun(number, frames);
    }

    /** Takes a frame that came from the network, from the thread that captures on that NIC. Costs next to nothing at rest. */
    public void onInboundFrame(String nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        Run run = current;
        if (run == null) {
            return;
        }
        AddressProbe.Ear ear = run.probe().ear(nic);
        if (ear != null) {
            ear.onFrame(memory, offsetBytes, lengthBytes);
        }
    }

    /** How many probes an old owner has answered. */
    public long answeredProbes() {
        return answeredProbes.value();
    }

    /** How many probes have ended without one. */
    public long unansweredProbes() {
        return unansweredProbes.value();
    }

    /** Ends without a word about a probe that is under way. Idempotent. */
    @Override
    public void close() {
        executor.shutdownNow();
    }

    private void run(Run next, long durationNanos) {
        Run before = current;
        if (before != null) {
            end(before.number());
        }
        current = next; // Before the first question, or its answer might go unheard.
        schedule(() -> askAgain(next), durationNanos / 2);
        schedule(() -> end(next.number()), durationNanos);
        ask(next.probe());
    }

    private void askAgain(Run run) {
        if (run.equals(current)) {
            ask(run.probe());
        }
    }

    private void ask(AddressProbe probe) {
        probe.framesByNic().forEach((nic, frames) -> {
            FrameSender sender = senderByNic.get(nic);
            for (MemorySegment frame : frames) {
                if (sender == null || !sender.send(frame, 0, Math.toIntExact(frame.byteSize()))) {
                    LOG.warn("an address probe could not be sent on {}", nic);
                }
            }
        });
    }

    private void endSoon(long number) {
        try {
            executor.execute(guarded(() -> end(number)));
        } catch (RejectedExecutionException e) {
            LOG.debug("an answer came after the end", e);
        }
    }

    private void end(long number) {
        Run run = current;
        if (run == null || run.number() != number) {
            return;
        }
        current = null;
        Optional<ProbeAnswer> oldOwner = run.probe().oldOwner();
        (oldOwner.isPresent() ? answeredProbes : unansweredProbes).increment();
        onEnd.accept(new Ended(number, oldOwner, run.probe().others()));
    }

    @SuppressWarnings("FutureReturnValueIgnored") // What fails is logged where it runs.
    private void schedule(Runnable task, long delayNanos) {
        executor.schedule(guarded(task), delayNanos, TimeUnit.NANOSECONDS);
    }

    private static Runnable guarded(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.error("a step of an address probe has failed", e);
            }
        };
    }
}
