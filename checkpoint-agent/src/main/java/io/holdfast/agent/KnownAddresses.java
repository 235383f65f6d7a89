package io.holdfast.agent;

import io.holdfast.control.CommandException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a backup knows of the guest's addresses, out of the checkpoints. Its own proxy is told whenever that changes: it hears
 * nothing of the guest before a promotion, and is to notice if its host speaks as the guest (INV-9).
 *
 * <p>Confined to the conductor.
 */
final class KnownAddresses {

    private static final Logger log = LoggerFactory.getLogger(KnownAddresses.class);

    private String json = "";
    private String told = "";

    /** As they were shipped; empty if nothing is known yet. */
    String json() {
        return json;
    }

    /** A newer checkpoint says so; {@code proxy} is this host's, if it is there. */
    void learn(String shipped, @Nullable WallLink proxy) {
        json = shipped;
        if (proxy != null && !json.equals(told)) {
            tell(proxy);
        }
    }

    /** To a proxy that may know nothing, because it has just begun. */
    void tell(WallLink proxy) {
        told = json;
        if (json.isEmpty()) {
            return;
        }
        try {
            proxy.tellAddressesOfOther(json);
        } catch (CommandException e) {
            log.warn("the proxy will not notice whether this host speaks as the guest: {}", e.getMessage());
        } catch (WallGoneException e) {
            log.debug("the proxy is gone, and is told when it is back: {}", e.getMessage());
        }
    }
}
