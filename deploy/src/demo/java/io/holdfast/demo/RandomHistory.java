package io.holdfast.demo;

import io.holdfast.demo.Violation.Kind;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one client of the random service was told. A reply names the question's number, the token of the reply before it and a
 * fresh token, so that a connection which was spliced together from two histories cannot look right: nobody could have said
 * in one what was drawn in the other.
 *
 * <p>Not thread-safe: used by one client.
 */
final class RandomHistory {

    /** What stands for the token before the first reply. */
    static final String NO_TOKEN = "none";

    private static final Pattern FORM =
            Pattern.compile("(\\d{1,18}) (none|[0-9a-f-]+) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\\d+)");

    private final String client;
    private final Consumer<Violation> violations;
    private String newestToken = NO_TOKEN;

    RandomHistory(String client, Consumer<Violation> violations) {
        this.client = client;
        this.violations = violations;
    }

    /**
     * @param question its number, counted from 1
     * @param reply a line without its end
     */
    void answered(long question, String reply) {
        Matcher form = FORM.matcher(reply);
        if (!form.matches()) {
            violations.accept(new Violation(
                    Kind.GARBLED, client, "to question " + question + " came what nobody says: " + reply));
            return;
        }
        if (Long.parseLong(form.group(1)) != question) {
            contradicted("to question " + question + " came the reply to " + form.group(1));
        }
        if (!form.group(2).equals(newestToken)) {
            contradicted("token " + newestToken + " was followed by a reply that repeats " + form.group(2));
        }
        newestToken = form.group(3);
    }

    private void contradicted(String detail) {
        violations.accept(new Violation(Kind.CONTRADICTED_REPLY, client, detail));
    }
}
