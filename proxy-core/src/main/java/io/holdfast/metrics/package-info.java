/**
 * Registry, what is served of it, and the proxy's meter binders.
 *
 * <p>Nothing here is touched per frame. Threads that move frames count in plain longs and in {@link
 * io.holdfast.measure.NanoHistogram}s of their own; a scrape reads those from its own thread.
 */
@NullMarked
package io.holdfast.metrics;

import org.jspecify.annotations.NullMarked;
