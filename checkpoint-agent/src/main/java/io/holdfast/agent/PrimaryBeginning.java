package io.holdfast.agent;

import io.holdfast.agent.role.AloneRight;
import io.holdfast.agent.role.PrimaryRole;

/** How a primary begins: as it is configured, and as this host's disk says of its term. */
final class PrimaryBeginning {

    private static final long CHECKPOINT_RETRY_NANOS = 500_000_000L;

    private PrimaryBeginning() {}

    /**
     * The role before its first event.
     *
     * @param lastEpoch the newest epoch that was ever closed, as far as known
     * @param aloneRight by which the guest serves until a backup is armed, if it does
     */
    static PrimaryRole role(AgentContext context, long lastEpoch, AloneRight aloneRight) {
        PrimaryRole.Settings settings = new PrimaryRole.Settings(
                context.agent().interval().toNanos(),
                context.agent().pauseBudgetPercent(),
                context.agent().epochsInFlight(),
                CHECKPOINT_RETRY_NANOS,
                context.leaseNanos());
        TermStore terms = context.terms();
        boolean armed = terms.isBackupArmed();
        boolean servesAlone =
                !armed && (terms.term().number() > 1 || context.passesBeforeArming() || terms.isRelinquished());
        PrimaryRole.Beginning beginning =
                new PrimaryRole.Beginning(terms.term(), lastEpoch, armed, terms.armedBackup(), servesAlone);
        return context.arbitration().isArbitrated()
                ? PrimaryRole.withArbiter(
                        settings, beginning, context.agent().grace().toNanos(), aloneRight)
                : PrimaryRole.withoutArbiter(settings, beginning);
    }

    /** The first term, and one whose backup has relinquished, nobody can contest; of any other the arbiter is asked again. */
    static AloneRight rightOnDisk(AgentContext context) {
        boolean uncontested =
                context.terms().term().number() <= 1 || context.terms().isRelinquished();
        return uncontested || !context.arbitration().isArbitrated()
                ? AloneRight.uncontested()
                : AloneRight.toBeClaimed();
    }
}
