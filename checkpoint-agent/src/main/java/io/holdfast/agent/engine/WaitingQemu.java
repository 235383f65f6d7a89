package io.holdfast.agent.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A QEMU process that waits for a state, the connection to it, and what it has. */
record WaitingQemu(QemuProcess process, QemuEvents events, QmpClient qmp, MachineDefinition definition) {

    private static final Logger LOG = LoggerFactory.getLogger(WaitingQemu.class);

    /** Starts one, in a session of its own: the guest must survive the end of the agent and of the agent's terminal. */
    static WaitingQemu launch(QemuStandby.Settings settings) throws EngineException {
        if (settings.command().contains("-incoming")) {
            throw new EngineException("agent.qemu.command must not contain -incoming: the agent adds it");
        }
        QemuProcess process = launchProcess(settings);
        QemuEvents events = new QemuEvents();
        try {
            QmpClient qmp = IncomingQemu.connect(process, settings.socket(), settings.socket(), settings.log(), events);
            try {
                MachineDefinition definition = QemuMachine.definition(qmp);
                qmp.execute("migrate-incoming", Map.of("uri", "unix:" + settings.incoming()));
                LOG.info("QEMU process {} waits for a state", process.pid());
                return new WaitingQemu(process, events, qmp, definition);
            } catch (EngineException e) {
                qmp.close();
                throw e;
            }
        } catch (EngineException e) {
            events.close();
            process.kill();
            throw e;
        }
    }

    private static QemuProcess launchProcess(QemuStandby.Settings settings) throws EngineException {
        List<String> command = new ArrayList<>();
        command.add("setsid");
        command.addAll(settings.command());
        try {
            Files.createDirectories(settings.runtimeDirectory());
            Files.deleteIfExists(settings.socket());
            Files.deleteIfExists(settings.incoming());
            QemuProcess process = IncomingQemu.launch(command, settings.log());
            process.writeTo(settings.pidFile());
            return process;
        } catch (IOException e) {
            throw new EngineException("cannot start %s: %s; check agent.qemu.command".formatted(command, e), e);
        }
    }

    boolean isReady() {
        return qmp.isConnected() && process.isAlive();
    }

    /**
     * Kills it.
     *
     * @return whether it is dead
     */
    boolean end() {
        qmp.close();
        events.close();
        return process.kill();
    }
}
