/**
 * The packet path of one guest on one host as a process: {@link io.holdfast.cli.proxy.HoldfastProxy} wires the ports, the
 * wall, the announcer, the control socket and the metrics, and decides nothing itself.
 */
@NullMarked
package io.holdfast.cli.proxy;

import org.jspecify.annotations.NullMarked;
