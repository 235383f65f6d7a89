/**
 * One place for every setting: default, range, unit and text.
 *
 * <p>{@link io.holdfast.config.Settings} is the table. The reader, the defaults, the checks, the printed effective
 * configuration and the documentation all derive from it; {@link io.holdfast.config.ConfigFile} is the door, and
 * {@link io.holdfast.config.HoldfastConfig} is what the rest of the program sees: immutable and checked once.
 */
@NullMarked
package io.holdfast.config;

import org.jspecify.annotations.NullMarked;
