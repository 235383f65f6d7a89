package io.holdfast.arp;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * Publishes what was announced, what was probed, what is known, what others claim, and who spoke where all should be silent. The
 * units are in the names, because Micrometer would merge meters that differ in nothing but their base unit.
 */
public final class ArpMetrics implements MeterBinder {

    private final AnnounceCounters counters;
    private final AddressBook book;
    private final ConflictWatch conflicts;
    private final AddressProber prober;
    private final SilenceWatch silence;
    private final LeakWatch leaks;

    public ArpMetrics(
            AnnounceCounters counters,
            AddressBook book,
            ConflictWatch conflicts,
            AddressProber prober,
            SilenceWatch silence,
            LeakWatch leaks) {
        this.counters = counters;
        this.book = book;
        this.conflicts = conflicts;
        this.prober = prober;
        this.silence = silence;
        this.leaks = leaks;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        for (String nic : counters.nics()) {
            for (AnnounceForm form : AnnounceForm.values()) {
                for (AnnounceOutcome outcome : AnnounceOutcome.values()) {
                    FunctionCounter.builder("holdfast.arp.announcements", counters, c -> c.count(nic, form, outcome))
                            .description("Announcements that were due, by what became of them")
                            .tags("nic", nic, "form", form.label(), "outcome", outcome.label())
                            .register(registry);
                }
            }
        }
        for (String nic : conflicts.nics()) {
            for (ConflictKind kind : ConflictKind.values()) {
                FunctionCounter.builder("holdfast.address.conflicts", conflicts, c -> c.count(nic, kind))
                        .description(
                                "Frames from the network that used an address of the guest, while it was or may have"
                                        + " been this host's")
                        .tags("nic", nic, "kind", kind.label())
                        .register(registry);
            }
        }
        bindProbes(registry, "old_owner", AddressProber::answeredProbes);
        bindProbes(registry, "none", AddressProber::unansweredProbes);
        for (String nic : silence.nics()) {
            FunctionCounter.builder("holdfast.broken.silence.frames", silence, s -> s.count(nic))
                    .description("Frames from the guest's side of a wall that is CLOSED or SEALED; they were discarded")
                    .tag("nic", nic)
                    .register(registry);
        }
        for (String nic : leaks.nics()) {
            FunctionCounter.builder("holdfast.address.leak.frames", leaks, l -> l.count(nic))
                    .description(
                            "Frames that this host itself sent on the uplink as the guest, while the wall was CLOSED or"
                                    + " SEALED")
                    .tag("nic", nic)
                    .register(registry);
        }
        for (String nic : book.nics()) {
            FunctionCounter.builder("holdfast.arp.refused.sightings", book, b -> b.refusedSightings(nic))
                    .description("Frames that showed an address of the guest for which the address book had no room")
                    .tag("nic", nic)
                    .register(registry);
            bindKnown(
                    registry,
                    nic,
                    "mac",
                    stations -> stations.stream()
                            .map(GuestAddresses.Station::mac)
                            .distinct()
                            .count());
            bindKnown(registry, nic, "ipv4", stations -> distinct(stations, GuestAddresses.Station::ipv4));
            bindKnown(registry, nic, "ipv6", stations -> distinct(stations, GuestAddresses.Station::ipv6));
        }
    }

    private void bindProbes(MeterRegistry registry, String answer, ToDoubleFunction<AddressProber> count) {
        FunctionCounter.builder("holdfast.address.probes", prober, count)
                .description("Probes for the guest's addresses before a promotion, by who answered for the guest")
                .tag("answer", answer)
                .register(registry);
    }

    private void bindKnown(
            MeterRegistry registry, String nic, String family, ToDoubleFunction<List<GuestAddresses.Station>> count) {
        Gauge.builder(
                        "holdfast.arp.known.addresses",
                        book,
                        b -> count.applyAsDouble(b.snapshot().nic(nic).stations()))
                .description("Addresses of the guest that would be announced after a failover")
                .tags("nic", nic, "family", family)
                .register(registry);
    }

    private static long distinct(
            List<GuestAddresses.Station> stations, Function<GuestAddresses.Station, List<String>> addresses) {
        return stations.stream().map(addresses).flatMap(List::stream).distinct().count();
    }
}
