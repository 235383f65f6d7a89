package io.holdfast.port;

import java.util.regex.Pattern;

/**
 * The name of the nftables table that guards an interface. Two interfaces never share one: installing the rule of one
 * would take away that of the other.
 */
final class DropTable {

    private static final String PREFIX = "holdfast-";
    private static final Pattern ESCAPED = Pattern.compile("[^A-Za-z0-9-]");

    private DropTable() {}

    /** Letters, digits and hyphens as they are, every other character as {@code _} and its code, hexadecimal. */
    static String nameFor(String interfaceName) {
        return PREFIX
                + ESCAPED.matcher(interfaceName)
                        .replaceAll(character ->
                                "_%02x".formatted((int) character.group().charAt(0)));
    }

    /** What it was called at first: the same for {@code eth0.1} and {@code eth0-1}. */
    static String earlierNameFor(String interfaceName) {
        return PREFIX + interfaceName.replace('.', '-');
    }
}
