package io.holdfast.cli.proxy;

import io.holdfast.control.Arguments;
import io.holdfast.control.CommandException;
import io.holdfast.wall.BufferWall;
import io.holdfast.wall.WallRefusal.Reason;

/** For commands that need no engine's seat, and yet must be meant for this life of the wall and its present term. */
final class ThisWall {

    private ThisWall() {}

    /** By their arguments {@code incarnation} and {@code term}. */
    static void require(BufferWall wall, Arguments arguments) throws CommandException {
        if (!wall.incarnation().equals(arguments.requireString("incarnation"))) {
            throw new CommandException(
                    Reason.WRONG_INCARNATION.errorClass(), "this wall's incarnation is " + wall.incarnation());
        }
        if (wall.term().number() != arguments.requireLong("term", 0, Long.MAX_VALUE)) {
            throw new CommandException(Reason.STALE_TERM.errorClass(), "this wall is of term " + wall.term());
        }
    }
}
