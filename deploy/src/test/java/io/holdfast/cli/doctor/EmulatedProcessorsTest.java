package io.holdfast.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmulatedProcessorsTest {

    @ParameterizedTest
    @CsvSource(textBlock = """
                    7.2.22, -accel tcg,            true
                    7.2.22, -accel tcg -smp 1,     true
                    8.0.5,  -smp cpus=1,           true
                    7.2.22, '-smp 1,maxcpus=1',    true
                    7.2.22, -M pc,                 true
                    8.1.0,  -accel tcg -smp 1,     false
                    10.0.2, -smp 1,                false
                    7.2.22, '-smp 1,maxcpus=2',    false
                    7.2.22, -smp 2,                false
                    7.2.22, -accel kvm -smp 1,     false
                    7.2.22, -enable-kvm -smp 1,    false
                    7.2.22, '-M pc,accel=kvm',     false
                    """)
    void shouldKnowWhichGuestsHaveNoBarriers(String version, String options, boolean loses) {
        List<String> command = List.of(("qemu-system-x86_64 " + options).split(" ", -1));
        String versionLine = "QEMU emulator version " + version + " (Debian 1:7.2+dfsg-7)";
        assertThat(EmulatedProcessors.losesBarriers(command, versionLine)).isEqualTo(loses);
    }
}
