package io.holdfast.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.cli.doctor.Doctor;
import io.holdfast.cli.doctor.Finding;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.config.HoldfastConfig;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Whether this machine can do what the configuration asks for. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = {
            "Says what this host lacks for the guest; changes nothing.",
            "Exit code 1 if anything is marked FAIL."
        })
final class DoctorCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Option(
            names = "--release-ports",
            description = {
                "Instead, let the host's own stack receive from the ports again. A proxy keeps it away, and does so",
                "beyond its own end, because the guest may go on sending. Refused while the proxy runs. Asks back."
            })
    private boolean releasePorts;

    @Mixin
    private final Confirmation confirmation = new Confirmation();

    @Override
    public Integer call() throws Exception {
        HoldfastConfig config = holdfast.config();
        if (releasePorts) {
            release(config);
            return ExitCode.OK;
        }
        List<Finding> findings = Doctor.examine(config);
        if (json) {
            print(findings);
        } else {
            findings.forEach(finding ->
                    holdfast.out().printf("%s  %-14s %s%n", mark(finding.verdict()), finding.what(), finding.text()));
        }
        boolean well = findings.stream().noneMatch(finding -> finding.verdict() == Finding.Verdict.FAILED);
        return well ? ExitCode.OK : ExitCode.FAILED;
    }

    private void release(HoldfastConfig config) throws Exception {
        String reason = confirmation.reasonFor(
                "Let host %s receive what comes from guest %s, and forward it past the wall if it forwards anything?"
                        .formatted(config.host(), config.guest()));
        List<String> released = HoldfastProxy.releasePorts(config, reason);
        if (json) {
            ObjectNode object = AskingCommand.arguments();
            released.forEach(object.putArray("released")::add);
            holdfast.out().println(object);
        } else {
            holdfast.out().println("released " + String.join(", ", released));
        }
    }

    private void print(List<Finding> findings) {
        ObjectNode object = AskingCommand.arguments();
        ArrayNode array = object.putArray("findings");
        findings.forEach(finding -> array.addObject()
                .put("verdict", finding.verdict().name())
                .put("what", finding.what())
                .put("text", finding.text()));
        holdfast.out().println(object);
    }

    private static String mark(Finding.Verdict verdict) {
        return Ansi.AUTO.string(
                switch (verdict) {
                    case OK -> "@|green  ok |@";
                    case WARNING -> "@|yellow warn|@";
                    case FAILED -> "@|red FAIL|@";
                });
    }
}
