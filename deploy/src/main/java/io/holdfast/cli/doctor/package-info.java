/** What this machine lacks for running a guest's proxy and agent. {@link io.holdfast.cli.doctor.Doctor} looks, changes nothing. */
@NullMarked
package io.holdfast.cli.doctor;

import org.jspecify.annotations.NullMarked;
