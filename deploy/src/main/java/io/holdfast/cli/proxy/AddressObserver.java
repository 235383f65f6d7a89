package io.holdfast.cli.proxy;

import io.holdfast.arp.AddressBook;
import io.holdfast.arp.AddressProber;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.arp.SilenceWatch;
import io.holdfast.bridge.FrameObserver;
import java.lang.foreign.MemorySegment;

/**
 * Shows the guest's frames to those who learn its addresses and who listen for what should be silent, and the network's to those
 * who guard the addresses and ask for them.
 */
final class AddressObserver implements FrameObserver {

    private final AddressBook.Learner[] learners;
    private final ConflictWatch.Guard[] guards;
    private final AddressProber prober;
    private final SilenceWatch.Ear[] ears;
    private final String[] nics;

    /** For NICs that are numbered as the book lists them. */
    AddressObserver(AddressBook book, ConflictWatch conflicts, AddressProber prober, SilenceWatch silence) {
        this.ears = book.nics().stream().map(silence::ear).toArray(SilenceWatch.Ear[]::new);
        this.prober = prober;
        this.nics = book.nics().toArray(String[]::new);
        this.learners = book.nics().stream().map(book::learner).toArray(AddressBook.Learner[]::new);
        this.guards = book.nics().stream().map(conflicts::guard).toArray(ConflictWatch.Guard[]::new);
    }

    @Override
    public void onOutboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        learners[nic].onFrame(memory, offsetBytes, lengthBytes);
        ears[nic].onFrame(memory, offsetBytes, lengthBytes);
    }

    @Override
    public void onInboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        guards[nic].onFrame(memory, offsetBytes, lengthBytes);
        prober.onInboundFrame(nics[nic], memory, offsetBytes, lengthBytes);
    }
}
