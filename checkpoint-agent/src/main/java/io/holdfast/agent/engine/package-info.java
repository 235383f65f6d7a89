/** Drives a hypervisor: {@link io.holdfast.agent.engine.CheckpointEngine} for the running guest, {@link io.holdfast.agent.engine.StandbyEngine} for the one that waits. */
@NullMarked
package io.holdfast.agent.engine;

import org.jspecify.annotations.NullMarked;
