package io.holdfast.reverse;

import io.holdfast.frame.EthernetFrame;
import io.holdfast.frame.IcmpQuote;
import io.holdfast.frame.TcpFrame;
import io.holdfast.frame.TcpPath;

/**
 * Which connection a segment belongs to: NIC, VLAN, both addresses and ports. One that looks up many is filled anew for each
 * segment; one that stands in a table is a {@link #copy}, and is not changed any more.
 */
final class FlowKey {

    private int nic;
    private long tags;
    private long clientHigh;
    private long clientLow;
    private long guestHigh;
    private long guestLow;
    private int ports;

    /** The connection of a segment that a client sent. */
    FlowKey setClientSide(int nic, TcpFrame frame) {
        setLink(nic, frame.ethernet());
        clientHigh = frame.sourceHigh();
        clientLow = frame.sourceLow();
        guestHigh = frame.destinationHigh();
        guestLow = frame.destinationLow();
        ports = frame.segment().sourcePort() << 16 | frame.segment().destinationPort();
        return this;
    }

    /** The connection of a segment that the guest sent. */
    FlowKey setGuestSide(int nic, TcpFrame frame) {
        setLink(nic, frame.ethernet());
        clientHigh = frame.destinationHigh();
        clientLow = frame.destinationLow();
        guestHigh = frame.sourceHigh();
        guestLow = frame.sourceLow();
        ports = frame.segment().destinationPort() << 16 | frame.segment().sourcePort();
        return this;
    }

    /** The connection of a segment that the guest sent, and that the network quotes. */
    FlowKey setQuoted(int nic, IcmpQuote quote) {
        setLink(nic, quote.ethernet());
        clientHigh = quote.destinationHigh();
        clientLow = quote.destinationLow();
        guestHigh = quote.sourceHigh();
        guestLow = quote.sourceLow();
        ports = quote.destinationPort() << 16 | quote.sourcePort();
        return this;
    }

    private void setLink(int nic, EthernetFrame ethernet) {
        this.nic = nic;
        long outer = TcpPath.tag(ethernet, 0);
        tags = (outer << 32) | Integer.toUnsignedLong(TcpPath.tag(ethernet, 1));
    }

    static FlowKey of(KeptTranslation kept) {
        FlowKey key = new FlowKey();
        key.nic = kept.nic();
        key.tags = kept.tags();
        key.clientHigh = kept.clientHigh();
        key.clientLow = kept.clientLow();
        key.guestHigh = kept.guestHigh();
        key.guestLow = kept.guestLow();
        key.ports = kept.ports();
        return key;
    }

    KeptTranslation kept(Translation translation) {
        return new KeptTranslation(
                nic,
                tags,
                clientHigh,
                clientLow,
                guestHigh,
                guestLow,
                ports,
                translation.sequenceOffset(),
                translation.timestampOffset());
    }

    FlowKey copy() {
        FlowKey copy = new FlowKey();
        copy.nic = nic;
        copy.tags = tags;
        copy.clientHigh = clientHigh;
        copy.clientLow = clientLow;
        copy.guestHigh = guestHigh;
        copy.guestLow = guestLow;
        copy.ports = ports;
        return copy;
    }

    long clientHigh() {
        return clientHigh;
    }

    long clientLow() {
        return clientLow;
    }

    long guestHigh() {
        return guestHigh;
    }

    long guestLow() {
        return guestLow;
    }

    int clientPort() {
        return ports >>> 16;
    }

    /** Of the outer tag; 0 without one. */
    int vlanId() {
        return (int) (tags >>> 32) & 0xfff;
    }

    int nic() {
        return nic;
    }

    int guestPort() {
        return ports & 0xffff;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FlowKey that
                && ports == that.ports
                && clientLow == that.clientLow
                && guestLow == that.guestLow
                && clientHigh == that.clientHigh
                && guestHigh == that.guestHigh
                && tags == that.tags
                && nic == that.nic;
    }

    @Override
    public int hashCode() {
        return hash(0);
    }

    /** Another one for each seed. */
    int hash(long seed) {
        long mixed = (seed ^ clientLow ^ Long.rotateLeft(guestLow, 17)) * 0x9e37_79b9_7f4a_7c15L;
        mixed = (mixed ^ clientHigh ^ Long.rotateLeft(guestHigh, 29) ^ ports) * 0x9e37_79b9_7f4a_7c15L;
        mixed = (mixed ^ tags ^ nic) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed >>> 32);
    }

    /** Reads both ends of it; see {@link Foresight}. */
    long touch() {
        return (long) nic + ports;
    }
}
