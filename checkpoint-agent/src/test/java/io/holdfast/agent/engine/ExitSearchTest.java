package io.holdfast.agent.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.engine.QemuMachine.QemuObject;
import io.holdfast.testkit.InNetworkNamespace;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of exit past the wall (INV-8), in a QEMU that has it. The guest never runs. */
@NeedsQemu
@InNetworkNamespace
class ExitSearchTest {

    @Test
    void shouldFindNoExitInAGuestThatHasNone() throws Exception {
        assertThat(exitsOf("tap0")).isEmpty();
    }

    @Test
    void shouldAllowADiskThatCannotBeWritten() throws Exception {
        assertThat(exitsOf(
                        "tap0",
                        "-blockdev",
                        "null-co,node-name=d0,size=1048576,read-only=on",
                        "-device",
                        "virtio-blk-pci,drive=d0"))
                .isEmpty();
    }

    @Test
    void shouldRefuseATapThatIsNotOneOfTheWalls() throws Exception {
        assertThat(exitsOf("tap9")).singleElement().asString().contains("NIC nic0 (52:54:00:07:00:10)", "tap tap0");
    }

    @ParameterizedTest
    @MethodSource("exits")
    void shouldRefuseWithTheReason(String reason, List<String> arguments) throws Exception {
        assertThat(exitsOf("tap0", arguments.toArray(String[]::new)))
                .singleElement()
                .asString()
                .contains(reason);
    }

    static Stream<Arguments> exits() {
        return Stream.of(
                exit("disk d0", "-drive", "driver=null-co,id=d0,if=none,size=1M", "-device", "virtio-blk-pci,drive=d0"),
                exit("is writable", "-blockdev", "null-co,node-name=d0,size=1048576", "-device", "ide-hd,drive=d0"),
                exit("connected by netdev user", "-nic", "user,model=e1000"),
                exit(
                        "connected by netdev hub",
                        "-netdev",
                        "user,id=u0",
                        "-netdev",
                        "hubport,id=h0,hubid=0,netdev=u0",
                        "-netdev",
                        "hubport,id=h1,hubid=0",
                        "-device",
                        "e1000,netdev=h1"),
                exit(
                        "connected by netdev socket",
                        "-netdev",
                        "socket,id=s0,udp=127.0.0.1:1,localaddr=127.0.0.1:2",
                        "-device",
                        "rtl8139,netdev=s0"),
                exit(
                        "shares a folder of the host (9p)",
                        "-fsdev",
                        "local,id=f0,path=/tmp,security_model=none",
                        "-device",
                        "virtio-9p-pci,fsdev=f0,mount_tag=t"),
                exit(
                        "shares memory with other guests",
                        "-object",
                        "memory-backend-ram,id=m0,size=1M,share=on",
                        "-device",
                        "ivshmem-plain,memdev=m0"),
                exit(
                        "is a channel to programs on the host",
                        "-chardev",
                        "null,id=c0",
                        "-device",
                        "virtio-serial-pci,id=bus0",
                        "-device",
                        "virtserialport,chardev=c0"),
                exit(
                        "lets network frames leave QEMU by another way",
                        "-object",
                        "filter-dump,id=f0,netdev=n0,file=/dev/null"),
                exit("of a kind that Holdfast does not know to be harmless", "-device", "edu,id=new0"));
    }

    /** A hub with the right tap and with something else: the order in which QEMU lists them must not matter. */
    @Test
    void shouldNotBeDeceivedByAHubThatAlsoHasTheWallsTap() {
        String network = """
                hub 0
                 \\ h1: nic1: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:56
                 \\ h0: u0: index=0,type=user,net=10.0.2.0,restrict=off
                 \\ hp0: n0: index=0,type=tap,ifname=tap0,script=no,downscript=no
                nic2: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:57
                 \\ n9: index=0,type=tap,ifname=tap0,script=no,downscript=no
                nic3: index=0,type=nic,model=e1000,macaddr=52:54:00:12:34:58
                """;
        assertThat(QemuMachine.parseNetwork(network))
                .extracting(nic -> ExitSearch.exitOf(nic, List.of("tap0")).isPresent())
                .containsExactly(true, false, false);
    }

    /** What no test machine has. */
    @ParameterizedTest
    @ValueSource(strings = {"vhost-vsock-pci", "vhost-user-fs-pci", "vfio-pci", "usb-host", "vhost-user-blk-pci"})
    void shouldKnowKindsThatCannotBeStartedHere(String type) {
        assertThat(ExitSearch.knownExit(new QemuObject("/machine/peripheral/x0", type)))
                .hasValueSatisfying(reason -> assertThat(reason).contains("x0", type));
    }

    private static Arguments exit(String reason, String... arguments) {
        return Arguments.of(reason, List.of(arguments));
    }

    private static List<String> exitsOf(String wallGuestPort, String... arguments) throws Exception {
        TestGuest.createNetwork("tap0");
        List<String> more = new ArrayList<>(List.of("--"));
        more.addAll(List.of(arguments));
        try (TestGuest guest = new TestGuest("tap0").startFrozen(more.toArray(String[]::new));
                QemuEngine engine = QemuEngine.attach(guest.socket(), guest.memory())) {
            return engine.exitsPastTheWall(List.of(wallGuestPort));
        }
    }
}
