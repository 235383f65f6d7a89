package io.holdfast.agent;

import io.holdfast.agent.link.WallHolder;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.config.Placement;
import io.holdfast.config.WallPlace;
import io.holdfast.control.StaleTermException;
import io.holdfast.control.TermFileException;
import io.holdfast.wall.Term;

/**
 * Whose proxy has the guest's uplink, and with it the wall. Where one proxy stands in front of both hosts, the other host's
 * may stand by for its death:
 *
 * <pre>
 *   wall: peer ── the peer is unreachable, and an operator says that it is dead ─► taken
 *              ◄─ the peer has the guest, behind a proxy of its own ──────────────
 * </pre>
 *
 * The choice belongs to the term: it is on disk before the wall is addressed, and outlives the agent (INV-7).
 *
 * <p><b>Threads.</b> Any.
 */
final class Uplink {

    /** What follows for a backup from the primary's word of whose proxy has the wall. */
    enum Verdict {
        /** Both mean the same one. */
        AGREED,
        /** What this host's had is over: it is to be sealed. */
        YIELDS,
        /** There would be two walls in front of one guest, each letting it speak, or none; only people can help. */
        CONTRADICTS
    }

    private final boolean inline;
    private final boolean local;
    private final boolean standsBy;
    private final TermStore terms;
    private final WallTunnel tunnel;
    private final AuditLog audit;

    Uplink(HoldfastConfig config, WallPlace place, TermStore terms, WallTunnel tunnel, AuditLog audit) {
        this.local = place == WallPlace.LOCAL;
        this.inline = !local
                || config.proxySection()
                        .filter(proxy -> proxy.placement() == Placement.INLINE)
                        .isPresent();
        this.standsBy = config.standsBy();
        this.terms = terms;
        this.tunnel = tunnel;
        this.audit = audit;
    }

    /** Whether one proxy in front of both hosts has the wall; it is then the one wall of both agents. */
    boolean isInline() {
        return inline;
    }

    /** Whether this host's proxy took it from the peer's. */
    boolean isTaken() {
        return standsBy && terms.isUplinkTaken();
    }

    /** Whose proxy has the wall, as the hello of this host says. */
    WallHolder holder() {
        if (!inline) {
            return WallHolder.EACH;
        }
        return local || isTaken() ? WallHolder.SENDER : WallHolder.RECEIVER;
    }

    /**
     * Judges a primary's hello.
     *
     * @param said whose it is for the primary
     * @param isNewest whether no term is known here that beats the primary's
     */
    Verdict verdictOn(WallHolder said, boolean isNewest) {
        if (said.seenByReceiver() == holder()) {
            return Verdict.AGREED;
        }
        return inline && said == WallHolder.SENDER && isNewest ? Verdict.YIELDS : Verdict.CONTRADICTS;
    }

    /** The same in a word for the status. */
    String describe() {
        return isTaken() ? "taken" : local ? "local" : "peer";
    }

    /**
     * Whether an operator's word that the peer is dead makes this host's proxy the one that has the uplink. Never while the
     * peer's can be reached: nobody else knows the guest's connections.
     */
    boolean mayBeTaken() {
        return standsBy && !isTaken() && !tunnel.reachesPeer();
    }

    /**
     * Takes it, under a term that is the newest or a higher one.
     *
     * @throws TermFileException if that is not on disk; then nothing has changed
     */
    void take(Term under) throws TermFileException, StaleTermException {
        terms.storeTaken(under);
        tunnel.leadHere(true);
        audit.note(
                AuditEvent.UPLINK,
                under,
                "the uplink is taken from the other host's proxy"
                        + (terms.numberingLostIn() == TermStore.NEVER
                                ? ""
                                : "; connections whose numbering it alone knew are reset"));
    }

    /** The peer's proxy has it again; the one here must be sealed. */
    void giveBack() throws TermFileException, StaleTermException {
        terms.storeGivenBack();
        tunnel.leadHere(false);
        audit.note(AuditEvent.UPLINK, terms.term(), "the uplink is the other host's again");
    }

    /** The number of the term that is to be said to the wall with hello, or {@link TermStore#NEVER}. */
    long numberingLostIn() {
        return isTaken() ? terms.numberingLostIn() : TermStore.NEVER;
    }
}
