package io.holdfast.cli;

import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.cli.service.ServiceManager;
import java.util.concurrent.Callable;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Runs the packet path until the process is told to stop. */
@Command(
        name = "proxy",
        mixinStandardHelpOptions = true,
        description = "Runs the packet path between the guest and its network.")
final class ProxyCommand implements Callable<Integer> {

    @ParentCommand
    private Holdfast holdfast;

    @Option(
            names = "--force-unsafe",
            description = "Start although frames have a way around the proxy; every status will say so.")
    private boolean forceUnsafe;

    @Override
    public Integer call() throws Exception {
        try (HoldfastProxy proxy = HoldfastProxy.start(holdfast.config(), forceUnsafe, Version.number());
                ServiceManager manager =
                        ServiceManager.inform(System.getenv(), proxy.vitals()::pulses, proxy.vitals()::summary)) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> end(manager, proxy), "shutdown"));
            String failure = proxy.awaitEnd();
            if (failure == null) {
                return ExitCode.OK;
            }
            LoggerFactory.getLogger(ProxyCommand.class).error("the proxy ends: {}", failure);
            return ExitCode.DIED;
        }
    }

    private static void end(ServiceManager manager, HoldfastProxy proxy) {
        manager.close();
        proxy.close();
    }
}
