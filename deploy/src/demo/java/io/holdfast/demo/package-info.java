/**
 * The demonstration's clients, and what judges them: they talk to a Redis in the protected guest through plain
 * connections that are never renewed, remember everything that they were told, and afterwards compare it with the guest.
 *
 * <p>{@link io.holdfast.demo.Verifier} and the histories that it keeps are pure; {@link io.holdfast.demo.Workload} is
 * the program. Nothing of this is part of the distribution.
 */
@NullMarked
package io.holdfast.demo;

import org.jspecify.annotations.NullMarked;
