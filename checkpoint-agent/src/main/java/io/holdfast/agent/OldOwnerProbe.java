package io.holdfast.agent;

import io.holdfast.control.CommandException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The question of one promotion whether the guest still speaks elsewhere; the proxy asks it.
 *
 * <p>A proxy that cannot ask, because it is gone, or too old, or does not know the guest's addresses, counts as silence, and at
 * once: silence is no proof either, and the promotion rests on the failure detector with or without it.
 *
 * <p>Confined to the conductor.
 */
final class OldOwnerProbe {

    private static final Logger log = LoggerFactory.getLogger(OldOwnerProbe.class);

    /** For the way of the word that the probe has ended. */
    private static final long GRACE_NANOS = 20_000_000;

    private static final Duration SHORTEST = Duration.ofMillis(1);

    private static final long NONE = 0;

    private final Conductor conductor;
    private final Duration time;
    private final Runnable onSilence;
    private final Consumer<String> onOldOwner;

    private boolean asking;

    /** Its number at the proxy. */
    private long probe = NONE;

    /**
     * @param time how long the proxy asks
     * @param onSilence called once, unless an old owner answers
     * @param onOldOwner called once, with who has answered for which address, and where
     */
    OldOwnerProbe(Conductor conductor, Duration time, Runnable onSilence, Consumer<String> onOldOwner) {
        this.conductor = conductor;
        this.time = time.compareTo(SHORTEST) < 0 ? SHORTEST : time;
        this.onSilence = onSilence;
        this.onOldOwner = onOldOwner;
    }

    /**
     * Asks, once.
     *
     * @param wall null if the proxy is gone
     * @param addressesJson what is known of the guest's addresses; empty if nothing is
     */
    void ask(@Nullable WallLink wall, String addressesJson) {
        asking = true;
        if (wall == null) {
            endUnasked("the proxy is gone");
        } else if (addressesJson.isEmpty()) {
            endUnasked("no checkpoint has told the guest's addresses");
        } else {
            askThrough(wall, addressesJson);
        }
    }

    private void askThrough(WallLink wall, String addressesJson) {
        try {
            wall.tellAddresses(addressesJson);
            WallLink.Probe begun = wall.probe(time);
            if (begun.frames() == 0) {
                endUnasked("the guest has shown no address yet");
                return;
            }
            probe = begun.number();
            conductor.postAfterNanos(time.toNanos() + GRACE_NANOS, () -> {
                if (asking) {
                    endUnasked("the proxy does not say what came of it");
                }
            });
        } catch (WallGoneException | CommandException e) {
            endUnasked(String.valueOf(e.getMessage()));
        }
    }

    /** See {@link WallLink.PressureListener#onProbeEnded}. */
    void onProbeEnded(long number, Optional<String> oldOwner) {
        if (!asking || number != probe) {
            return;
        }
        asking = false;
        oldOwner.ifPresentOrElse(onOldOwner, onSilence);
    }

    /** The connection to the proxy is lost. */
    void onWallGone() {
        if (asking) {
            endUnasked("the proxy is gone");
        }
    }

    private void endUnasked(String because) {
        log.warn("whether the guest still speaks elsewhere is not known: {}", because);
        asking = false;
        onSilence.run();
    }
}
