package io.holdfast.cli;

import io.holdfast.config.ConfigException;
import io.holdfast.config.ConfigFile;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.CommandException;
import io.holdfast.control.ControlUnavailableException;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code holdfast} command: starts the two processes of a host, and is a client of their control sockets. */
@Command(
        name = "holdfast",
        description = "Keeps clients from ever seeing output of a guest's state that its backup does not have.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ProxyCommand.class,
            AgentCommand.class,
            StatusCommand.class,
            HeldCommand.class,
            FlowsCommand.class,
            DumpCommand.class,
            ModeCommand.class,
            CheckpointCommand.class,
            BarrierCommand.class,
            CommitCommand.class,
            SealCommand.class,
            PromoteCommand.class,
            SwitchoverCommand.class,
            RehearseCommand.class,
            AloneCommand.class,
            RejoinCommand.class,
            AnnounceCommand.class,
            AuditCommand.class,
            EventsCommand.class,
            CompletionCommand.class,
            ManualCommand.class,
            KeysCommand.class,
            ConfigCommand.class,
            GuestCommand.class,
            DoctorCommand.class,
            BenchCommand.class,
            SupportBundleCommand.class,
            WarmUpCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:refused or failed; the message on the standard error says why",
            "2:the command line or the configuration is wrong",
            "3:a proxy or agent could not go on; what it held stays held",
            "4:the proxy or agent that was asked does not answer"
        })
public final class Holdfast implements Runnable {

    static final Path CONFIGURATIONS = Path.of("/etc/holdfast");

    @Option(
            names = "--config",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "The guest's configuration on this host.")
    private @Nullable Path configFile;

    @Option(
            names = "--guest",
            scope = ScopeType.INHERIT,
            paramLabel = "NAME",
            description = "Short for --config /etc/holdfast/NAME.yaml.")
    private @Nullable String guest;

    @Spec
    private CommandSpec spec;

    Holdfast() {}

    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new Holdfast())
                .setParameterExceptionHandler(Holdfast::explainUsage)
                .setExecutionExceptionHandler(Holdfast::explain);
    }

    /** No subcommand was named. */
    @Override
    public void run() {
        throw usage("name a command, such as `holdfast status`");
    }

    /** The configuration that the command line names. */
    HoldfastConfig config() throws ConfigException {
        return readConfig().config();
    }

    ConfigFile readConfig() throws ConfigException {
        if (configFile != null && guest != null) {
            throw usage("--config and --guest exclude each other");
        }
        if (configFile != null) {
            return ConfigFile.read(configFile);
        }
        if (guest != null) {
            return ConfigFile.read(CONFIGURATIONS.resolve(guest + ".yaml"));
        }
        throw usage("name the configuration with --config FILE or --guest NAME");
    }

    /** Prints a result. */
    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** Says something beside the result. */
    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    ParameterException usage(String complaint) {
        return new ParameterException(spec.commandLine(), complaint);
    }

    private static int explainUsage(ParameterException failure, String[] arguments) {
        CommandLine command = failure.getCommandLine();
        command.getErr()
                .printf(
                        "holdfast: %s%nTry `%s --help`.%n",
                        failure.getMessage(), command.getCommandSpec().qualifiedName());
        return ExitCode.USAGE;
    }

    /** What the user may hear of in the normal course of things is a message; all else is a defect, with a trace. */
    private static int explain(Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
        PrintWriter err = command.getErr();
        return switch (failure) {
            case ConfigException e -> {
                e.problems().forEach(err::println);
                yield ExitCode.USAGE;
            }
            case ControlUnavailableException e -> {
                err.println("holdfast: " + e.getMessage());
                yield ExitCode.NOBODY_LISTENS;
            }
            case CommandException e -> {
                err.println("holdfast: " + e.errorClass() + ": " + e.getMessage());
                yield ExitCode.FAILED;
            }
            case RuntimeException e -> {
                LoggerFactory.getLogger(Holdfast.class).error("a defect in holdfast {}", command.getCommandName(), e);
                yield ExitCode.FAILED;
            }
            default -> {
                err.println("holdfast: " + failure.getMessage());
                yield ExitCode.FAILED;
            }
        };
    }
}
