package io.holdfast.agent.engine;

import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Tests that run a real QEMU. Where there is none they are skipped, loudly; in CI they fail instead. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("qemu")
@ExtendWith(NeedsQemu.Condition.class)
@interface NeedsQemu {

    /** Looks for QEMU and for root, and has the guest's image made, which needs the network that tests do not have. */
    final class Condition implements ExecutionCondition, BeforeAllCallback {

        @Override
        public void beforeAll(ExtensionContext context) throws IOException, InterruptedException {
            TestGuest.buildImage();
        }

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            boolean present = Files.isExecutable(Path.of("/usr/bin/qemu-system-x86_64"))
                    && "root".equals(System.getProperty("user.name"));
            if (present || System.getenv("CI") != null) {
                return ConditionEvaluationResult.enabled("QEMU and root, or CI");
            }
            System.err.println("SKIPPED: " + context.getDisplayName()
                    + " needs root and qemu-system-x86_64 (Debian: apt-get install qemu-system-x86)");
            return ConditionEvaluationResult.disabled("needs root and qemu-system-x86_64");
        }
    }
}
