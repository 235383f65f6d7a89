package io.holdfast.testkit;

import java.lang.reflect.Method;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/** See {@link InNetworkNamespace}. */
final class NetworkNamespaceExtension implements InvocationInterceptor {

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> invocationContext,
            ExtensionContext extensionContext)
            throws Throwable {
        inNamespace(invocation);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> invocationContext,
            ExtensionContext extensionContext)
            throws Throwable {
        inNamespace(invocation);
    }

    private static void inNamespace(InvocationInterceptor.Invocation<@Nullable Void> invocation) throws Throwable {
        if (!"root".equals(System.getProperty("user.name")) && System.getenv("CI") == null) {
            invocation.skip();
            System.err.println("SKIPPED: this test needs root, to make a network namespace of its own");
            Assumptions.abort("needs root");
        }
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        Native.enterNewNetworkNamespace();
                        Shell.run("ip", "link", "set", "lo", "up");
                        invocation.proceed();
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                },
                "in-namespace");
        thread.start();
        thread.join();
        Throwable thrown = failure.get();
        if (thrown != null) {
            throw thrown;
        }
    }
}
