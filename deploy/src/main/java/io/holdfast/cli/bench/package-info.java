/**
 * What {@code holdfast bench} does: a network of its own in namespaces, a proxy in the middle of it, and requests whose both ends
 * are made here. {@link io.holdfast.cli.bench.PathBench} is the whole.
 */
@NullMarked
package io.holdfast.cli.bench;

import org.jspecify.annotations.NullMarked;
