package io.holdfast.cli.service;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.util.LevelToSyslogSeverity;
import ch.qos.logback.core.pattern.CompositeConverter;

/** Puts an entry's priority in front of each of its lines, as the journal understands it (sd-daemon(3)). */
public final class JournalPriority extends CompositeConverter<ILoggingEvent> {

    @Override
    protected String transform(ILoggingEvent event, String entry) {
        String priority = "<" + LevelToSyslogSeverity.convert(event) + ">";
        return priority + entry.stripTrailing().replace("\n", "\n" + priority) + "\n";
    }
}
