package io.holdfast.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelNetworkingTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-netdev tap,id=n0,ifname=tap0,vhost=on",
                "-netdev tap,id=n0,vhost,ifname=tap0",
                "-netdev tap,id=n0,vhostforce=yes",
                "--netdev tap,id=n0,vhostfd=7",
                "-nic tap,vhostfds=7:8,queues=2",
                "-net tap,vhost=true",
                "-netdev {\"type\":\"tap\",\"id\":\"n0\",\"vhost\":true}"
            })
    void shouldSeeThatTheKernelIsToCarryFrames(String options) {
        assertThat(KernelNetworking.isAskedFor(command(options))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-netdev tap,id=n0,ifname=tap0,vhost=off",
                "-netdev tap,id=n0,ifname=tap0",
                "-netdev tap,id=vhost0,ifname=vhost=on0",
                "-name vhost=on",
                "-netdev {\"type\":\"tap\",\"vhost\":false}"
            })
    void shouldNotMistakeWhatOnlyLooksLikeIt(String options) {
        assertThat(KernelNetworking.isAskedFor(command(options))).isFalse();
    }

    private static List<String> command(String options) {
        return List.of(("qemu-system-x86_64 " + options).split(" ", -1));
    }
}
