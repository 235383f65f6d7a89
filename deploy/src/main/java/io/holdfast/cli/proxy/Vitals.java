package io.holdfast.cli.proxy;

import io.holdfast.bridge.Bridge;
import io.holdfast.bridge.NicCounters;
import io.holdfast.measure.Echo;
import io.holdfast.measure.Pulse;
import io.holdfast.wall.BufferWall;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * How a running proxy is, for a service manager: whether all that moves frames or takes commands goes round, and what it does in
 * one line. One thread looks.
 */
public final class Vitals {

    private final Bridge bridge;
    private final Echo commands;

    Vitals(Bridge bridge, Executor commandThread) {
        this.bridge = bridge;
        this.commands = new Echo("commands", commandThread);
    }

    /** Of every thread without which the packet path is no use. One that hangs shows it within a second. */
    public List<Pulse> pulses() {
        List<Pulse> pulses = new ArrayList<>(bridge.pulses());
        pulses.add(commands.pulse());
        return pulses;
    }

    /** The wall's state, and what is behind it. */
    public String summary() {
        BufferWall wall = bridge.wall();
        long heldFrames = bridge.counters().stream()
                .mapToLong(NicCounters::bufferedFrames)
                .sum();
        return "wall %s, term %d, epoch %d, %d frames held"
                .formatted(wall.state(), wall.term().number(), wall.openEpoch(), heldFrames);
    }
}
