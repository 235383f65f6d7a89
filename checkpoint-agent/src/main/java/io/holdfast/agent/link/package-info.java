/** The replication link between two agents: binary records over Netty. */
@NullMarked
package io.holdfast.agent.link;

import org.jspecify.annotations.NullMarked;
