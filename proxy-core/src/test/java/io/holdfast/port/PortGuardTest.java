package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** INV-8 against a real kernel. */
@InNetworkNamespace
class PortGuardTest {

    @Test
    void shouldFindNothingWrongWithABareInterface() throws PortException {
        VethPair.create("near0", "far0");
        offloadsOff("near0");
        assertThat(new PortGuard("near0").problems(true)).isEmpty();
    }

    @Test
    void shouldRefuseAPortOfAKernelBridge() throws PortException {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "add", "leak0", "type", "bridge");
        Shell.run("ip", "link", "set", "near0", "master", "leak0");
        assertThat(new PortGuard("near0").problems(false))
                .singleElement()
                .asString()
                .contains("leak0", "ip link set near0 nomaster");
    }

    @Test
    void shouldRefuseAPortThatHasAnAddress() throws PortException {
        VethPair.create("near0", "far0");
        Shell.run("ip", "addr", "add", "10.7.0.1/24", "dev", "near0");
        assertThat(new PortGuard("near0").problems(false))
                .singleElement()
                .asString()
                .contains("10.7.0.1/24", "ip addr del");
    }

    @Test
    void shouldNameOffloadsThatMergeFrames() throws PortException {
        VethPair.create("near0", "far0");
        assertThat(new PortGuard("near0").problems(true)).anyMatch(problem -> problem.contains("ethtool -K near0"));
    }

    @Test
    void shouldKeepTheKernelFromGivingThePortAnAddress() throws PortException {
        Shell.run("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0");
        new PortGuard("near0").forbidAddresses();
        assertThat(Shell.run("ip", "-d", "link", "show", "near0")).contains("addrgenmode none");
    }

    @Test
    void shouldLeaveTheHostsStackNothingWhileCaptureSeesEverything() throws Exception {
        VethPair.create("near0", "far0");
        PortGuard guard = new PortGuard("near0");
        guard.installIngressDrop();
        Shell.run("ip", "addr", "add", "10.7.0.1/24", "dev", "near0");
        Shell.run("ip", "netns", "add", "hfguard");
        try {
            Shell.run("ip", "link", "set", "far0", "netns", "hfguard");
            Shell.run("ip", "-n", "hfguard", "addr", "add", "10.7.0.2/24", "dev", "far0");
            Shell.run("ip", "-n", "hfguard", "link", "set", "far0", "up");
            assertThat(answersPing()).isFalse();
            guard.removeIngressDrop();
            assertThat(answersPing()).isTrue();
        } finally {
            Shell.run("ip", "netns", "del", "hfguard");
        }
    }

    @Test
    void shouldReplaceTheRuleThatACrashedProxyLeft() throws PortException {
        VethPair.create("near0", "far0");
        new PortGuard("near0").installIngressDrop();
        new PortGuard("near0").installIngressDrop();
        assertThat(new PortGuard("near0").isIngressDropped()).isTrue();
        new PortGuard("near0").removeIngressDrop();
        assertThat(new PortGuard("near0").isIngressDropped()).isFalse();
        assertThat(Shell.run("nft", "list", "tables")).isEmpty();
    }

    @Test
    void shouldNotTakeAwayTheRuleOfAnInterfaceWithASimilarName() throws PortException {
        VethPair.create("near0.1", "far0");
        VethPair.create("near0-1", "far1");
        PortGuard dotted = new PortGuard("near0.1");
        PortGuard hyphened = new PortGuard("near0-1");
        dotted.installIngressDrop();
        hyphened.installIngressDrop();
        assertThat(dotted.isIngressDropped()).isTrue();
        dotted.removeIngressDrop();
        assertThat(dotted.isIngressDropped()).isFalse();
        assertThat(hyphened.isIngressDropped()).isTrue();
    }

    @Test
    void shouldRemoveTheRuleOfAnEarlierVersion() throws PortException {
        VethPair.create("near0.1", "far0");
        Shell.run("nft", """
                table netdev holdfast-near0-1 {
                  chain ingress { type filter hook ingress device "near0.1" priority -500; policy drop; }
                }""");
        new PortGuard("near0.1").removeIngressDrop();
        assertThat(Shell.run("nft", "list", "tables")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tap0\"; }", "tap 0", "-tap0", "tap0/1", "{tap0", "sixteen-letters-"})
    void shouldRefuseANameThatMeansSomethingInAScript(String name) {
        assertThatThrownBy(() -> new PortGuard(name)).isInstanceOf(IllegalArgumentException.class);
    }

    private static boolean answersPing() {
        try {
            Shell.run("ip", "netns", "exec", "hfguard", "ping", "-c", "5", "-i", "0.3", "-W", "1", "10.7.0.1");
            return true;
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static void offloadsOff(String interfaceName) {
        for (String offload : List.of("gro", "gso", "tso", "tx")) {
            Shell.run("ethtool", "-K", interfaceName, offload, "off");
        }
    }
}
