package io.holdfast.testkit;

import java.lang.reflect.Method;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.AnnotationSupport;

/** See {@link InNetworkNamespace}. */
final class NetworkNamespaceExtension implements InvocationInterceptor {

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> invocationContext,
            ExtensionContext extensionContext)
            throws Throwable {
        inNamespace(invocation, extensionContext);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<@Nullable Void> invocation,
            ReflectiveInvocationContext<Method> invocationContext,
            ExtensionContext extensionContext)
            throws Throwable {
        inNamespace(invocation, extensionContext);
    }

    private static void inNamespace(
            InvocationInterceptor.Invocation<@Nullable Void> invocation, ExtensionContext context) throws Throwable {
        if (!"root".equals(System.getProperty("user.name")) && System.getenv("CI") == null) {
            invocation.skip();
            System.err.println("SKIPPED: this test needs root, to make a network namespace of its own");
            Assumptions.abort("needs root");
        }
        Class<?> test = context.getRequiredTestClass();
        boolean oneForAll = AnnotationSupport.findAnnotation(test, InNetworkNamespace.class)
                .map(InNetworkNamespace::oneForAll)
                .orElse(false);
        if (oneForAll) {
            ExtensionContext ofClass = context.getParent().orElseThrow();
            ofClass.getStore(ExtensionContext.Namespace.create(NetworkNamespaceExtension.class))
                    .getOrComputeIfAbsent(test, ignored -> new NamespaceThread(), NamespaceThread.class)
                    .run(invocation);
        } else {
            try (NamespaceThread own = new NamespaceThread()) {
                own.run(invocation);
            }
        }
    }

    /** A thread in a network namespace that begins and ends with it. */
    private static final class NamespaceThread implements AutoCloseable {

        private final ExecutorService thread =
                Executors.newSingleThreadExecutor(work -> new Thread(work, "in-namespace"));
        private boolean entered;

        void run(InvocationInterceptor.Invocation<@Nullable Void> invocation) throws Throwable {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            thread.submit(() -> {
                        try {
                            enter();
                            invocation.proceed();
                        } catch (Throwable e) {
                            failure.set(e);
                        }
                    })
                    .get();
            Throwable thrown = failure.get();
            if (thrown != null) {
                throw thrown;
            }
        }

        private void enter() {
            if (!entered) {
                Native.enterNewNetworkNamespace();
                Shell.run("ip", "link", "set", "lo", "up");
                entered = true;
            }
        }

        @Override
        public void close() {
            thread.close();
        }
    }
}
