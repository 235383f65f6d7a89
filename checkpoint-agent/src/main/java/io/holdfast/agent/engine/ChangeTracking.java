package io.holdfast.agent.engine;

import io.holdfast.config.DirtyPagesMethod;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How changed pages are found.
 *
 * @param pages what the kernel knows of them; null if all memory is compared
 * @param method as in the configuration
 * @param because why none that is faster runs; empty if there is none, or none was wanted
 */
record ChangeTracking(@Nullable DirtyPages pages, String method, String because) {

    private static final String COMPARISON = "comparison";

    private interface Opener {
        DirtyPages open(Path process, GuestMapping mapping) throws EngineException;
    }

    static ChangeTracking comparison(String because) {
        return new ChangeTracking(null, COMPARISON, because);
    }

    /** The fastest of the wanted methods that works with this QEMU and this kernel; comparison always does. */
    static ChangeTracking choose(
            DirtyPagesMethod wanted, Optional<QemuProcess> qemu, Path memoryFile, long memoryBytes) {
        List<Opener> candidates = switch (wanted) {
            case AUTO -> List.of(PagemapScan::open, SoftDirtyPages::open);
            case PAGEMAP_SCAN -> List.of(PagemapScan::open);
            case SOFT_DIRTY -> List.of(SoftDirtyPages::open);
            case COMPARISON -> List.of();
        };
        List<String> reasons = new ArrayList<>();
        if (qemu.isEmpty() && !candidates.isEmpty()) {
            return comparison("QEMU's process is unknown");
        }
        for (Opener candidate : candidates) {
            try {
                Path process = Path.of("/proc", Long.toString(qemu.orElseThrow().pid()));
                DirtyPages pages = candidate.open(process, GuestMapping.find(process, memoryFile, memoryBytes));
                return new ChangeTracking(pages, pages.method(), String.join("; ", reasons));
            } catch (EngineException e) {
                reasons.add(String.valueOf(e.getMessage()));
            }
        }
        return comparison(String.join("; ", reasons));
    }
}
