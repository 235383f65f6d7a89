package io.holdfast.http;

import io.netty.util.NetUtil;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tells by what name a client thinks that it speaks to this server. A page from elsewhere can have its own name resolved to a
 * loopback address, and then its script may read what the browser of somebody on this host gets here (DNS rebinding). The browser
 * says that name in the {@code Host} header, and gives it away.
 */
final class HostHeader {

    private HostHeader() {}

    /**
     * Whether nobody can have had that name resolved to another address than its own: it is an address, as of a Prometheus to
     * which the port was forwarded, or {@code localhost}.
     *
     * @param host header of the request, with or without a port; without the header, which every browser sends, nobody was
     *     misled
     */
    static boolean cannotMislead(@Nullable String host) {
        if (host == null) {
            return true;
        }
        String name = host.strip().replaceFirst(":[0-9]*$", "").toLowerCase(Locale.ROOT);
        if (name.equals("localhost") || name.endsWith(".localhost")) { // RFC 6761: no resolver may lead it elsewhere.
            return true;
        }
        String literal = name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name;
        return NetUtil.isValidIpV4Address(literal) || NetUtil.isValidIpV6Address(literal);
    }
}
