package io.holdfast.cli.page;

import com.fasterxml.jackson.databind.JsonNode;
import io.holdfast.config.ProxyMode;
import io.holdfast.wall.WallState;

/**
 * The state of the wall in one plain sentence.
 *
 * @param standing whether somebody has to do something
 * @param sentence what becomes of the guest's frames now
 */
record Headline(WallState state, Standing standing, String sentence) {

    /** From a status on which nobody need look further to one for which somebody gets up. */
    enum Standing {
        /** All is as it should be, and the guest is protected. */
        GOOD,
        /** All is as it should be, and there is no guest here to protect. */
        IDLE,
        /** Not for long, please. */
        WATCH,
        /** Clients get no answers, or false ones. */
        BAD
    }

    /**
     * What to say.
     *
     * @param agent its status, however old; missing if it is not known
     */
    static Headline of(WallState state, ProxyMode mode, JsonNode agent) {
        if (mode == ProxyMode.OFF) {
            return new Headline(
                    state,
                    Standing.BAD,
                    "nothing is held. Clients see what no backup has, and a failover contradicts it");
        }
        return switch (state) {
            case CLOSED ->
                agent.path("role").asText().equals("backup")
                        ? new Headline(
                                state,
                                Standing.IDLE,
                                "this host stands by. Nothing leaves and nothing enters until it takes over")
                        : new Headline(
                                state,
                                Standing.WATCH,
                                "no agent has taken this proxy yet. Nothing leaves and nothing enters");
            case ARMING ->
                new Headline(
                        state,
                        Standing.WATCH,
                        "every frame waits until the backup has confirmed its first complete checkpoint");
            case PROTECTED ->
                new Headline(
                        state,
                        Standing.GOOD,
                        mode == ProxyMode.REVERSE
                                ? "what a failover can repair leaves at once; every other frame waits until the backup has"
                                        + " what sent it"
                                : "every frame waits until the backup has what sent it");
            case SUSPENDED ->
                new Headline(
                        state,
                        Standing.BAD,
                        "no frame leaves. The backup or the agent is lost, and clients wait until it is back or somebody"
                                + " with the right to do so opens the wall");
            case ALONE ->
                new Headline(
                        state,
                        Standing.WATCH,
                        "every frame leaves at once, and no backup has what sent it. The guest would not survive its host");
            case SEALED ->
                new Headline(
                        state,
                        Standing.BAD,
                        "this host's term is over. Nothing of it ever leaves again; the guest is elsewhere");
        };
    }
}
