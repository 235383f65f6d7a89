package io.holdfast.config;

import io.holdfast.frame.ExemptionRule;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * The packet path.
 *
 * @param placement where the proxy stands
 * @param mode who is held
 * @param port how frames are captured and sent
 * @param nics the guest's network cards, at least one
 * @param wallLimitBytes room for held frames of all NICs together
 * @param wallHighWaterBytes held bytes at which an early checkpoint is asked for; below the limit
 * @param exempt classes of frames that are never held
 * @param reverse what reverse mode may use
 * @param http where metrics and probes are served; a loopback address
 * @param announce how the network learns where the guest is
 */
public record ProxyConfig(
        Placement placement,
        ProxyMode mode,
        PortKind port,
        List<NicConfig> nics,
        long wallLimitBytes,
        long wallHighWaterBytes,
        List<ExemptionRule> exempt,
        ReverseConfig reverse,
        InetSocketAddress http,
        AnnounceConfig announce) {

    public ProxyConfig {
        nics = List.copyOf(nics);
        exempt = List.copyOf(exempt);
    }
}
