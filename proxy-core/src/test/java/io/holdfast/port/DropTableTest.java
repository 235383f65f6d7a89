package io.holdfast.port;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DropTableTest {

    @Test
    void shouldGiveNoTwoInterfacesTheSameTable() {
        List<String> interfaces = List.of("eth0.1", "eth0-1", "eth0_1", "eth0+1", "eth0_2e1", "eth01");
        Stream<String> tables = interfaces.stream().map(DropTable::nameFor);
        assertThat(tables).doesNotHaveDuplicates().allMatch(table -> table.matches("[A-Za-z][A-Za-z0-9_-]*"));
    }

    @Test
    void shouldLeaveUsualNamesReadable() {
        assertThat(DropTable.nameFor("tap0")).isEqualTo("holdfast-tap0");
        assertThat(DropTable.nameFor("eth0.1")).isEqualTo("holdfast-eth0_2e1");
    }
}
