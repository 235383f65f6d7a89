package io.holdfast.cli.doctor;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether a QEMU command line gives an emulated guest all its memory barriers. QEMU before 8.1 leaves them out under tcg
 * where the machine can have only one processor, although its devices run in other threads; a notification gets lost now
 * and then, and the guest's network stands still for good (QEMU commit c914d46d0a).
 */
final class EmulatedProcessors {

    private static final Pattern VERSION = Pattern.compile("version (\\d+)\\.(\\d+)");
    private static final Pattern MAX_PROCESSORS = Pattern.compile("maxcpus=(\\d+)");
    private static final Pattern PROCESSORS = Pattern.compile("^(?:cpus=)?(\\d+)");

    private EmulatedProcessors() {}

    /** Whether barriers are left out; false where the command or the version does not tell. */
    static boolean losesBarriers(List<String> command, String versionLine) {
        return isOlderThan81(versionLine) && isEmulated(command) && mayHaveOnlyOne(command);
    }

    private static boolean isOlderThan81(String versionLine) {
        Matcher version = VERSION.matcher(versionLine);
        return version.find() && Integer.parseInt(version.group(1)) * 100 + Integer.parseInt(version.group(2)) < 801;
    }

    private static boolean isEmulated(List<String> command) {
        if (command.contains("-enable-kvm")) {
            return false;
        }
        boolean machineSaysKvm = valueOf(command, "-M")
                .or(() -> valueOf(command, "-machine"))
                .filter(machine -> machine.contains("accel=kvm"))
                .isPresent();
        return valueOf(command, "-accel")
                .map(accelerator -> accelerator.startsWith("tcg"))
                .orElse(!machineSaysKvm);
    }

    private static boolean mayHaveOnlyOne(List<String> command) {
        Optional<String> processors = valueOf(command, "-smp");
        if (processors.isEmpty()) {
            return true;
        }
        Matcher most = MAX_PROCESSORS.matcher(processors.get());
        if (most.find()) {
            return most.group(1).equals("1");
        }
        Matcher present = PROCESSORS.matcher(processors.get());
        return present.find() && present.group(1).equals("1");
    }

    private static Optional<String> valueOf(List<String> command, String option) {
        int at = command.indexOf(option);
        return at >= 0 && at + 1 < command.size() ? Optional.of(command.get(at + 1)) : Optional.empty();
    }
}
