package io.holdfast.config;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * A class of frames that is never held (INV-3). Neither TCP nor fragments can be named: one pure acknowledgement that
 * leaves early loses data for good.
 */
public sealed interface ExemptionConfig {

    /**
     * All frames of one EtherType, which carries no IP.
     *
     * @param etherType 0x0600 to 0xffff
     */
    record ByEtherType(int etherType) implements ExemptionConfig {}

    /**
     * Unfragmented IP packets of one protocol; what is absent is not compared.
     *
     * @param protocol never TCP
     * @param port source or destination port; only with UDP
     * @param prefix of the destination address
     */
    record ByProtocol(ExemptProtocol protocol, OptionalInt port, Optional<IpPrefix> prefix)
            implements ExemptionConfig {}
}
