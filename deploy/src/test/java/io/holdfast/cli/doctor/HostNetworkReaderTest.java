package io.holdfast.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The real kernel's tools print what the judge reads. */
@InNetworkNamespace
class HostNetworkReaderTest {

    private static final GuestIdentity GUEST =
            new GuestIdentity(Set.of("52:54:00:12:34:56"), Set.of("10.0.0.5", "fd00::5"));

    @Test
    void shouldSeeEverythingThatTheJudgeMinds() throws IOException {
        VethPair.create("up0", "net0");
        VethPair.create("eth0", "far0");
        VethPair.create("tap0", "guest0");
        VethPair.create("cable0", "box0");
        Shell.run("ip", "link", "set", "far0", "address", "52:54:00:12:34:56");
        Shell.run("ip", "address", "add", "10.0.0.5/24", "dev", "eth0");
        Shell.run("ip", "neighbor", "add", "proxy", "fd00::5", "dev", "eth0");
        Shell.run("sysctl", "-w", "net.ipv4.conf.up0.proxy_arp=1");
        Shell.run("sysctl", "-w", "net.ipv4.conf.up0.proxy_arp_pvlan=1");
        Shell.run("sysctl", "-w", "net.ipv6.conf.up0.proxy_ndp=1");
        Shell.run("ip", "link", "add", "br0", "type", "bridge");
        for (String port : List.of("tap0", "cable0", "guest0")) {
            Shell.run("ip", "link", "set", port, "master", "br0");
        }
        assertThat(find())
                .extracting(Finding::text)
                .anySatisfy(text -> assertThat(text).contains("ip addr del 10.0.0.5/24 dev eth0"))
                .anySatisfy(text -> assertThat(text).contains("ip link set dev far0 address"))
                .anySatisfy(text -> assertThat(text).contains("ip neigh del proxy fd00::5 dev eth0"))
                .anySatisfy(text -> assertThat(text).contains("sysctl -w net/ipv4/conf/up0/proxy_arp=0"))
                .anySatisfy(text -> assertThat(text).contains("sysctl -w net/ipv4/conf/up0/proxy_arp_pvlan=0"))
                .anySatisfy(text -> assertThat(text).contains("sysctl -w net/ipv6/conf/up0/proxy_ndp=0"))
                .anySatisfy(text -> assertThat(text).contains("sysctl -w net/ipv4/conf/up0/arp_ignore=1"))
                .anySatisfy(text -> assertThat(text).contains("cable0", "guest0", "through br0"))
                .hasSize(8);
    }

    /** What the remedies say must be what the kernel understands. */
    @Test
    void shouldFindNothingMoreWhenItsRemediesWereApplied() throws IOException {
        VethPair.create("up0", "net0");
        Shell.run("sysctl", "-w", "net.ipv4.conf.up0.proxy_arp=1");
        Shell.run("ip", "neighbor", "add", "proxy", "10.0.0.5", "dev", "net0");
        for (Finding finding : find()) {
            String remedy = finding.text().substring(finding.text().lastIndexOf(": ") + 2);
            Shell.run(remedy.replace(" (that is the guest's)", "").split(" "));
        }
        assertThat(find()).extracting(Finding::verdict).containsExactly(Finding.Verdict.OK);
    }

    private static List<Finding> find() throws IOException {
        return LeakPaths.find(HostNetworkReader.read(), GUEST, Set.of("up0"), Set.of(), Set.of("tap0"));
    }
}
