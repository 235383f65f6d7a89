/**
 * Every decision about pausing, confirming, promoting and sealing: pure state machines that answer events with effects.
 *
 * <p>The doors are {@link io.holdfast.agent.role.PrimaryRole} and {@link io.holdfast.agent.role.BackupRole}. Behind the first are
 * {@link io.holdfast.agent.role.CheckpointCycle} and {@link io.holdfast.agent.role.AloneService}, which share what is known of the
 * guest, its wall and its backup; behind the second are {@link io.holdfast.agent.role.Following} and
 * {@link io.holdfast.agent.role.Promotion}. No part knows its door.
 */
@NullMarked
package io.holdfast.agent.role;

import org.jspecify.annotations.NullMarked;
