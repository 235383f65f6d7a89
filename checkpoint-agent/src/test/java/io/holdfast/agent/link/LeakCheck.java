package io.holdfast.agent.link;

import io.netty.util.LeakPresenceDetector;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test that leaves a Netty buffer unreleased. Needs {@link LeakPresenceDetector} as Netty's leak detector,
 * which the module's pom sets for tests.
 */
final class LeakCheck implements AfterEachCallback {

    @Override
    public void afterEach(ExtensionContext context) {
        LeakPresenceDetector.check();
    }
}
