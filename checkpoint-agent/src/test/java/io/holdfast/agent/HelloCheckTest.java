package io.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.agent.link.LinkMessage;
import io.holdfast.agent.link.TermClaim;
import io.holdfast.agent.link.WallHolder;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What it says is read by the operator of either host. */
class HelloCheckTest {

    @Test
    void shouldSayThatThePrimaryIsToBeUpgradedWhereTheBackupWasFirst() {
        assertThat(HelloCheck.disagreementOnProtocol("b", 9, helloOfA(8)))
                .isEqualTo(
                        "host a is older: its agent speaks version 8 of the link's protocol, that of host b version 9;"
                                + " install the Holdfast of host b on host a, and restart the agent there");
    }

    @Test
    void shouldSayThatTheBackupIsToBeUpgradedWhereThePrimaryWasFirst() {
        assertThat(HelloCheck.disagreementOnProtocol("b", 8, helloOfA(9)))
                .isEqualTo(
                        "host b is older: its agent speaks version 8 of the link's protocol, that of host a version 9;"
                                + " install the Holdfast of host a on host b, and restart the agent there");
    }

    @Test
    void shouldNameTheHostsThatDoNotMeanTheSameWall() {
        assertThat(HelloCheck.disagreementOnWall("b", WallHolder.EACH, "a", WallHolder.SENDER))
                .startsWith("the wall: to host b it is each host's own, to host a it is that of host a; ");
        assertThat(HelloCheck.disagreementOnWall("b", WallHolder.RECEIVER, "a", WallHolder.RECEIVER))
                .startsWith("the wall: to host b it is that of host a, to host a it is that of host b; ");
    }

    @Test
    void shouldTellAPrimaryThatHasTheGuestFromOneThatHasLostIt() {
        LinkMessage.Hello without = helloOfA(8);
        LinkMessage.Hello with = new LinkMessage.Hello(
                8, "redis", "a", without.term(), 4096, new TreeMap<>(Map.of("memory", "96")), WallHolder.EACH);
        assertThat(HelloCheck.hasGuest("redis", with)).isTrue();
        assertThat(HelloCheck.hasGuest("redis", without)).isFalse();
        assertThat(HelloCheck.hasGuest("postgres", with)).isFalse();
    }

    private static LinkMessage.Hello helloOfA(int protocol) {
        return new LinkMessage.Hello(
                protocol, "redis", "a", new TermClaim(1, "promotion", "a"), 4096, new TreeMap<>(), WallHolder.EACH);
    }
}
