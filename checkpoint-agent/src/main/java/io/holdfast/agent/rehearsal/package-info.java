/**
 * Proof that the backup works: its newest checkpoint is restored in a {@link io.holdfast.agent.engine.SpareQemu}, and its
 * guest is asked whether it is there, while the backup goes on to wait.
 *
 * <p>{@link io.holdfast.agent.rehearsal.Rehearsal} does it, step by step. When one begins, and what its outcome means, is
 * decided by {@link io.holdfast.agent.role.RehearsalSchedule} and {@link io.holdfast.agent.role.RehearsalOutcome}.
 */
@NullMarked
package io.holdfast.agent.rehearsal;

import org.jspecify.annotations.NullMarked;
