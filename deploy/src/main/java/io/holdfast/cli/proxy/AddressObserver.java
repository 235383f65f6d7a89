package io.holdfast.cli.proxy;

import io.holdfast.arp.AddressBook;
import io.holdfast.arp.ConflictWatch;
import io.holdfast.bridge.FrameObserver;
import java.lang.foreign.MemorySegment;

/** Shows the guest's frames to those who learn its addresses, and the network's to those who guard them. */
final class AddressObserver implements FrameObserver {

    private final AddressBook.Learner[] learners;
    private final ConflictWatch.Guard[] guards;

    /** For NICs that are numbered as the book lists them. */
    AddressObserver(AddressBook book, ConflictWatch conflicts) {
        this.learners = book.nics().stream().map(book::learner).toArray(AddressBook.Learner[]::new);
        this.guards = book.nics().stream().map(conflicts::guard).toArray(ConflictWatch.Guard[]::new);
    }

    @Override
    public void onOutboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        learners[nic].onFrame(memory, offsetBytes, lengthBytes);
    }

    @Override
    public void onInboundFrame(int nic, MemorySegment memory, long offsetBytes, int lengthBytes) {
        guards[nic].onFrame(memory, offsetBytes, lengthBytes);
    }
}
