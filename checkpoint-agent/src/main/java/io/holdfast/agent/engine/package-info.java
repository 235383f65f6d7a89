/**
 * Drives a hypervisor: {@link io.holdfast.agent.engine.CheckpointEngine} for the running guest,
 * {@link io.holdfast.agent.engine.StandbyEngine} for the one that waits.
 *
 * <p>Both exist for a stock QEMU. {@code QemuEngine} and {@code QemuStandby} are what the agent uses; {@code QmpClient} and
 * {@code QemuEvents} speak to QEMU, {@code GuestMemory} and {@code ShadowCopy} see the guest's memory, {@code QemuMachine}
 * and {@code ExitSearch} ask what the machine is made of, {@code QemuProcess} knows which process it is.
 */
@NullMarked
package io.holdfast.agent.engine;

import org.jspecify.annotations.NullMarked;
