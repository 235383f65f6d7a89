/**
 * Who may own the guest when its two hosts do not hear each other.
 *
 * <p>With two hosts and nobody else no one can be both safe and available: a backup that hears nothing cannot tell a dead primary
 * from a cut cable. A third party can, because it hears whoever still reaches it, and lets only one of them win. {@link
 * io.holdfast.agent.arbiter.Arbiter} is that third party.
 *
 * <h2>One comparison decides</h2>
 *
 * The arbiter keeps one thing for a guest: the newest {@link io.holdfast.wall.Term term}. A backup that was armed under term <i>t</i>
 * may promote, and a primary that has lost the backup it armed under <i>t</i> may go on alone, only by writing a newer term where
 * <i>t</i> stands ({@link io.holdfast.agent.arbiter.Claim}). It is one compare-and-set for both, so exactly one of them wins,
 * whatever the timing, and also if the winner dies right after: the loser finds a term that it does not compare with. Nothing
 * there ever expires or goes back. Whoever has won, and did not hear the answer, asks again and finds its own term.
 *
 * <p>A claim never creates what is not there. Only who owns a term, and serves, {@linkplain
 * io.holdfast.agent.arbiter.Claim#registration registers} it, before a backup of it could be needed. So data that were lost, or a
 * primary that went on alone before there was an arbiter, cannot make a backup's overtaken checkpoint the newest again: such a
 * claim has to wait for people.
 *
 * <h2>The lease</h2>
 *
 * Who serves alone by an arbiter's right does so on a lease where the arbiter has such a thing, and the wall itself knows when it
 * ends ({@link io.holdfast.wall.BufferWall#openUntil}). Times are this host's monotonic clock's, counted from before the question.
 */
@NullMarked
package io.holdfast.agent.arbiter;

import org.jspecify.annotations.NullMarked;
