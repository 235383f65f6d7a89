package io.holdfast.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

@InNetworkNamespace
class NetworkNamespaceTest {

    @Test
    void shouldSeeNothingButItsOwnInterfaces() {
        VethPair.create("near0", "far0");
        assertThat(Shell.run("ip", "-brief", "link").lines()).hasSize(3);
    }
}
