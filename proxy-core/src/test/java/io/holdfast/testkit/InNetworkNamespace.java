package io.holdfast.testkit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Runs each test method of the class on a thread of its own in a fresh network namespace. Threads and processes that the
 * method starts are in the same namespace, which vanishes with the last of them. {@code @BeforeEach} and
 * {@code @AfterEach} methods run outside it. Without root the tests are skipped, loudly; in CI they fail instead.
 *
 * <p>With {@code oneForAll} there is one namespace, and one thread, for all methods of the class, one after the other: for what
 * is started once or keeps threads of its own, such as the driver of a browser.
 */
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(NetworkNamespaceExtension.class)
public @interface InNetworkNamespace {
    /** Whether the methods share a namespace. */
    boolean oneForAll() default false;
}
