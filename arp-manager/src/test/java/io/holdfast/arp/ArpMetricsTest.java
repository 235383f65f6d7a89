package io.holdfast.arp;

import static io.holdfast.arp.Announcements.IPV4;
import static io.holdfast.arp.Announcements.nic;
import static io.holdfast.arp.Announcements.station;
import static io.holdfast.testkit.FrameBuilder.ethernet;
import static io.holdfast.testkit.FrameBuilder.segment;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.frame.VlanTag;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ArpMetricsTest {

    @Test
    @SuppressWarnings("deprecation") // the registry over simpleclient, which is the one that is shipped
    void shouldShowWhatWasAnnouncedAndWhatIsKnown() {
        Announcer announcer = new Announcer(
                AnnounceSchedule.DEFAULT, 500, nic -> Ownership.Standing.OWNER, Map.of("net0", (m, o, l) -> true));
        AddressBook book = new AddressBook(List.of("net0"));
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        registry.throwExceptionOnRegistrationFailure();
        ConflictWatch conflicts = new ConflictWatch(book, nic -> Ownership.Standing.OWNER, () -> 0, () -> {});
        SilenceWatch silence = new SilenceWatch(List.of("net0"), () -> true, () -> 0, () -> {});
        silence.ear("net0").onFrame(segment(new byte[60]), 0, 60);
        AddressProber prober = new AddressProber(Map.of(), ended -> {});
        LeakWatch leaks = new LeakWatch(book, () -> true, () -> 0, () -> {});
        new ArpMetrics(announcer.counters(), book, conflicts, prober, silence, leaks).bindTo(registry);
        announcer.start(nic(station(false)), 0);
        announcer.onTick(0);
        book.adopt(new GuestAddresses(1, List.of(nic(station(false), station(false, new VlanTag(0x8100, 10))))));
        byte[] claim = ethernet("ff:ff:ff:ff:ff:ff", "52:54:00:99:99:99")
                .arp(2, "52:54:00:99:99:99", IPV4, "52:54:00:99:99:99", IPV4);
        conflicts.guard("net0").onFrame(segment(claim), 0, claim.length);
        leaks.ear("net0").onFrame(segment(claim), 0, claim.length);
        assertThat(registry.scrape().lines())
                .contains(
                        "holdfast_arp_announcements_total{form=\"na\",nic=\"net0\",outcome=\"sent\",} 2.0",
                        "holdfast_arp_announcements_total{form=\"rarp\",nic=\"net0\",outcome=\"sent\",} 1.0",
                        "holdfast_arp_announcements_total{form=\"rarp\",nic=\"net0\",outcome=\"not_owner\",} 0.0",
                        "holdfast_address_conflicts_total{kind=\"ipv4\",nic=\"net0\",} 1.0",
                        "holdfast_address_conflicts_total{kind=\"mac\",nic=\"net0\",} 0.0",
                        "holdfast_arp_announcements_total{form=\"rarp\",nic=\"net0\",outcome=\"over_limit\",} 0.0",
                        "holdfast_address_probes_total{answer=\"old_owner\",} 0.0",
                        "holdfast_broken_silence_frames_total{nic=\"net0\",} 1.0",
                        "holdfast_address_leak_frames_total{nic=\"net0\",} 1.0",
                        "holdfast_address_probes_total{answer=\"none\",} 0.0",
                        "holdfast_arp_refused_sightings_total{nic=\"net0\",} 0.0",
                        "holdfast_arp_known_addresses{family=\"mac\",nic=\"net0\",} 1.0",
                        "holdfast_arp_known_addresses{family=\"ipv4\",nic=\"net0\",} 1.0",
                        "holdfast_arp_known_addresses{family=\"ipv6\",nic=\"net0\",} 2.0");
    }
}
