/**
 * The replication link: what two agents say to each other about one guest.
 *
 * <p>The backup's agent listens ({@link io.holdfast.agent.link.LinkServer}), the primary's connects ({@link
 * io.holdfast.agent.link.LinkClient}); after a failover they swap, so an agent has both. Either way a {@link
 * io.holdfast.agent.link.LinkConnection} carries {@link io.holdfast.agent.link.LinkMessage}s. On top of it a {@link
 * io.holdfast.agent.link.CheckpointWriter} turns changed memory into records, and a {@link
 * io.holdfast.agent.link.CheckpointStage} turns records back into a checkpoint, or into the reason why it is none
 * (INV-11).
 *
 * <h2>On the wire</h2>
 *
 * All numbers are big-endian. After the TLS handshake, if there is one, each end sends a greeting once:
 *
 * <pre>
 *   0        4          6         8
 *   | "HFLK" | version  | 0       |
 * </pre>
 *
 * and from then on records:
 *
 * <pre>
 *   0        2      3   4          8
 *   | 0x4846 | type | 0 | length   | body of that many bytes
 * </pre>
 *
 * Types, their limits and the layout of their bodies are in {@code RecordType} and {@code LinkCodec}. A body has at
 * most 1 MiB; a length is checked against the limit of its type before memory is taken for it. Whatever does not fit
 * ends the connection with a {@link io.holdfast.agent.link.LinkException} that says what was wrong.
 */
@NullMarked
package io.holdfast.agent.link;

import org.jspecify.annotations.NullMarked;
