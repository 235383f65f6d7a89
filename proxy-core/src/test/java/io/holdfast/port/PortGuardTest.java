package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.util.List;
import org.junit.jupiter.api.Test;

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
