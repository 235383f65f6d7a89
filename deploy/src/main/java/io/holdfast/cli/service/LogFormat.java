package io.holdfast.cli.service;

import ch.qos.logback.core.PropertyDefinerBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * How this process logs, for logback.xml: {@code json} if the environment wants that, {@code journal} if the standard error leads
 * to systemd's journal, else {@code text}.
 */
public final class LogFormat extends PropertyDefinerBase {

    private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2");

    @Override
    public String getPropertyValue() {
        return choose(System.getenv(), STANDARD_ERROR);
    }

    static String choose(Map<String, String> environment, Path standardError) {
        if (environment.getOrDefault("HOLDFAST_LOG_FORMAT", "").equals("json")) {
            return "json";
        }
        return leadsToJournal(environment.getOrDefault("JOURNAL_STREAM", ""), standardError) ? "journal" : "text";
    }

    /** A shell in a service's session inherits the variable, too, so what it names is compared (systemd.exec(5)). */
    private static boolean leadsToJournal(String deviceAndInode, Path stream) {
        if (deviceAndInode.isEmpty()) {
            return false;
        }
        try {
            Map<String, Object> facts = Files.readAttributes(stream, "unix:dev,ino");
            return deviceAndInode.equals(facts.get("dev") + ":" + facts.get("ino"));
        } catch (IOException e) {
            return false; // Without a standard error it does not matter.
        }
    }
}
