package io.holdfast.agent.engine;

import io.holdfast.testkit.Shell;
import io.holdfast.testkit.VethPair;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A cable between interfaces, which can be told to lose frames in each direction. What is lost never enters the interface at the
 * end, so that a capture there has what was received and no more.
 */
final class Wire {

    private static final Pattern LOST = Pattern.compile("counter packets (\\d+)");

    private Wire() {}

    /** Creates the interfaces and what is between them, in the calling thread's network namespace. */
    static Wire create(String... ends) {
        Shell.run("ip", "link", "add", "wire", "type", "bridge", "mcast_snooping", "0");
        Shell.run("ip", "link", "set", "wire", "addrgenmode", "none", "up");
        for (String end : ends) {
            VethPair.create(inner(end), end);
            Shell.run("ip", "link", "set", inner(end), "master", "wire");
        }
        return new Wire();
    }

    private static String inner(String end) {
        return "w-" + end;
    }

    /** Begins to lose a part of what enters at each end. */
    void lose(int percent, String... ends) {
        Shell.run("nft", "add", "table", "netdev", "wire");
        for (String end : ends) {
            Shell.run(
                    "nft",
                    "add chain netdev wire " + end + " { type filter hook ingress device \"" + inner(end)
                            + "\" priority 0; }; add rule netdev wire " + end + " numgen random mod 100 < " + percent
                            + " counter drop");
        }
    }

    /** How many frames it has lost that entered at an end. */
    long lostFrames(String end) {
        Matcher matcher = LOST.matcher(Shell.run("nft", "list", "chain", "netdev", "wire", end));
        if (!matcher.find()) {
            throw new IllegalStateException("nothing counts what is lost");
        }
        return Long.parseLong(matcher.group(1));
    }
}
