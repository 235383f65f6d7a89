package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import org.junit.jupiter.api.Test;

class PcapPortTest extends FramePortContract {

    @Override
    FramePort open(String interfaceName) throws PortException {
        return PcapPort.open(interfaceName);
    }

    @Test
    void shouldCountAndDropAFrameThatIsLongerThanItCanForward() throws Exception {
        VethPair.create("near0", "far0");
        Shell.run("ip", "link", "set", "far0", "mtu", "9000");
        try (FramePort far = open("far0");
                Capture near = Capture.on(open("near0"), far)) {
            Shell.run("ip", "link", "set", "near0", "mtu", "9000");
            send(far, frame(4000, 1));
            send(far, frame(60, 2));
            near.awaitFrames(1);
            assertThat(near.frames.get(0)).hasSize(60);
            assertThat(near.port.counters().truncatedFrames()).isEqualTo(1);
        }
    }
}
