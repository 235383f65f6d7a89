package io.holdfast.control;

/**
 * An entry in a server's list of commands.
 *
 * @param name lower case, words parted by {@code -}
 * @param description one sentence for people
 */
record Command(String name, String description, CommandHandler handler) {}
