package io.holdfast.config;

import io.holdfast.reverse.Admission;
import io.holdfast.reverse.DatagramRule;
import java.time.Duration;
import java.util.List;

/**
 * What reverse mode may use.
 *
 * @param logLimitBytes room for what clients send between two confirmed checkpoints
 * @param digestLimitBytes room for digests of what clients have been sent
 * @param maxConnections how many are released at once
 * @param heldPorts the guest's ports whose connections are held like in wall mode
 * @param admission when clients' requests reach the guest, on ports that are not listed
 * @param freePorts the guest's ports that have {@link Admission#FREE}
 * @param serialPorts those that have {@link Admission#SERIAL}
 * @param batchPorts those that have {@link Admission#BATCH}; together with the serial ones they are one order
 * @param datagrams which datagrams of the guest leave at once
 * @param catchUpLimit how long a restored guest may take until it is where its clients have seen it
 */
public record ReverseConfig(
        long logLimitBytes,
        long digestLimitBytes,
        int maxConnections,
        List<Integer> heldPorts,
        Admission admission,
        List<Integer> freePorts,
        List<Integer> serialPorts,
        List<Integer> batchPorts,
        List<DatagramRule> datagrams,
        Duration catchUpLimit) {

    public ReverseConfig {
        heldPorts = List.copyOf(heldPorts);
        freePorts = List.copyOf(freePorts);
        serialPorts = List.copyOf(serialPorts);
        batchPorts = List.copyOf(batchPorts);
        datagrams = List.copyOf(datagrams);
    }

    /** When requests for one of the guest's ports reach it. */
    public Admission admissionTo(int guestPort) {
        if (freePorts.contains(guestPort)) {
            return Admission.FREE;
        }
        if (serialPorts.contains(guestPort)) {
            return Admission.SERIAL;
        }
        return batchPorts.contains(guestPort) ? Admission.BATCH : admission;
    }
}
