/**
 * What a service manager such as systemd is told of a process: {@link io.holdfast.cli.service.ServiceManager} is the door.
 * Without one nothing is said.
 */
@NullMarked
package io.holdfast.cli.service;

import org.jspecify.annotations.NullMarked;
