package io.holdfast.reverse;

/**
 * What a ledger says of its connection, for people.
 *
 * @param nic the NIC's number
 * @param vlanId of the outer tag; 0 without one
 * @param clientHigh the upper half of the client's address, an IPv4 one being IPv4-mapped
 * @param clientLow its lower half
 * @param guestHigh the same of the guest's address
 * @param guestLow its lower half
 * @param state how far the connection has come
 * @param held why it is held although it is TCP; empty if it is released at once
 * @param waits whether its client's request waits for others to be answered
 * @param sequenceOffset the client's numbering minus the guest's (D)
 * @param timestampOffset the same of the guest's clock (dT)
 * @param bytesToReplay what the client has sent and the newest confirmed checkpoint does not have
 * @param bytesToReproduce what the client has been sent and that checkpoint has not
 */
public record FlowView(
        int nic,
        int vlanId,
        long clientHigh,
        long clientLow,
        int clientPort,
        long guestHigh,
        long guestLow,
        int guestPort,
        State state,
        String held,
        boolean waits,
        int sequenceOffset,
        int timestampOffset,
        long bytesToReplay,
        long bytesToReproduce) {

    /** How far a connection has come. */
    public enum State {
        /** The client has asked for it, and the guest has not answered. */
        OPENING,
        /** Both may send. */
        OPEN,
        /** One of the ends has said that it will send no more. */
        ENDING,
        /** A restored guest is not yet where the client has seen it. */
        CATCHING_UP,
        /** It was reset, because the guest could not be brought there. */
        RESET
    }
}
