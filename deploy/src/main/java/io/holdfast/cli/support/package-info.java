/**
 * What somebody who is not there needs to understand a fault of this host: collected into one file, without what the guest and
 * its clients say to each other, without keys and without passwords.
 */
@NullMarked
package io.holdfast.cli.support;

import org.jspecify.annotations.NullMarked;
