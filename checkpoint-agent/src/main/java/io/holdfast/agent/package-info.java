/**
 * Drives a hypervisor, ships checkpoints, detects failure, decides. The decisions are in {@code role}, pure; {@code engine}
 * and {@code link} carry them out.
 */
@NullMarked
package io.holdfast.agent;

import org.jspecify.annotations.NullMarked;
