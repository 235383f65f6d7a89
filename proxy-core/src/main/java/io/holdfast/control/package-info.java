/**
 * The control protocol: newline-delimited JSON on a Unix domain socket, in the manner of QMP.
 *
 * <p>A server greets with {@code {"holdfast":{"version":"0.1.0","role":"proxy","protocol":1}}}. A client sends one object a
 * line, {@code {"execute":"barrier","arguments":{"term":3},"id":7}}, and gets one line for each, in order:
 * {@code {"return":{...},"id":7}} or {@code {"error":{"class":"StaleTerm","desc":"..."},"id":7}}. The id is any JSON value
 * and comes back as it was; without one the reply has none. After {@code subscribe}, lines of the form
 * {@code {"event":"WALL_PRESSURE","data":{...},"timestamp":{"seconds":1,"microseconds":2}}} come in between.
 *
 * <p>A line has at most 64 KiB in both directions. A longer one is refused with {@code LineTooLong} and skipped up to its
 * newline; the connection goes on. Empty lines are ignored. A client that closes its writing side at once, such as
 * {@code printf ... | socat}, gets its replies; one that ends the connection without waiting for them cannot know what was
 * carried out. A client that does not read what it is sent is disconnected.
 *
 * <p>{@link io.holdfast.control.ControlServer} and
 * {@link io.holdfast.control.ControlClient} are the two ends; {@link io.holdfast.control.TermFile} keeps what a fenced
 * process must remember.
 */
@NullMarked
package io.holdfast.control;

import org.jspecify.annotations.NullMarked;
