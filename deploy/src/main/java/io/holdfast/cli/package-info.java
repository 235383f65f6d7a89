/**
 * The {@code holdfast} command. {@link io.holdfast.cli.Holdfast} is the door; each subcommand is a class; the processes that
 * two of them start are {@link io.holdfast.cli.proxy.HoldfastProxy} and {@link io.holdfast.agent.HoldfastAgent}.
 */
@NullMarked
package io.holdfast.cli;

import org.jspecify.annotations.NullMarked;
