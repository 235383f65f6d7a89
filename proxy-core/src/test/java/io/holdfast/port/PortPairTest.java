package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import org.junit.jupiter.api.Test;

/** Against a real kernel. */
@InNetworkNamespace
class PortPairTest {

    @Test
    void shouldRefuseAnUplinkThatIsTooNarrowForTheGuestsFrames() throws PortException {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "set", "near0", "mtu", "9000");
        PortPair pair = new PortPair("near0", "far0");
        assertThat(pair.problems()).singleElement().asString().endsWith("ip link set dev far0 mtu 9000");
        Shell.run("ip", "link", "set", "dev", "far0", "mtu", "9000");
        assertThat(pair.problems()).isEmpty();
    }

    @Test
    void shouldAllowAnUplinkThatCarriesMore() throws PortException {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "set", "far0", "mtu", "9000");
        assertThat(new PortPair("near0", "far0").problems()).isEmpty();
    }
}
