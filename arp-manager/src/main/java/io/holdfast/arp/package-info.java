/**
 * Makes switches, routers and neighbours send to the host where the guest now runs.
 *
 * <p>While the guest runs, the {@link io.holdfast.arp.AddressBook} learns from its own frames which MAC addresses, VLANs
 * and IP addresses it uses; a snapshot travels to the backup with the checkpoints. After a promotion the
 * {@link io.holdfast.arp.Announcer} sends, for everything in the snapshot, RARP, gratuitous ARP and unsolicited neighbour
 * advertisements on the {@link io.holdfast.arp.AnnounceSchedule}. Before, nothing is sent (INV-9), and not a frame without
 * asking who owns the guest (INV-10). The {@link io.holdfast.arp.ConflictWatch} sees in what comes from the network whether
 * somebody else uses the guest's addresses, and stops announcements until that is settled.
 */
@NullMarked
package io.holdfast.arp;

import org.jspecify.annotations.NullMarked;
