/** A small HTTP server at a loopback address, for what only looks: metrics, probes, a status page. */
@NullMarked
package io.holdfast.http;

import org.jspecify.annotations.NullMarked;
