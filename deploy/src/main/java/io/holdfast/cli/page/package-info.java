/**
 * The status page: what the proxy's HTTP shows to people. {@link io.holdfast.cli.page.StatusPage} looks once a second at what
 * the proxy and the agent say of themselves, and a browser draws the newest look. Nothing here is asked by, or waited for by,
 * whatever moves frames.
 */
@NullMarked
package io.holdfast.cli.page;

import org.jspecify.annotations.NullMarked;
