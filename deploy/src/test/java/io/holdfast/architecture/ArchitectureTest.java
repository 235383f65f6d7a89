package io.holdfast.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;

/** What the packages may not touch: the plan's section on modules and packages, as rules. */
@AnalyzeClasses(packages = "io.holdfast", importOptions = ArchitectureTest.ShippedClasses.class)
class ArchitectureTest {

    private static final String[] DECIDING = {"io.holdfast.wall..", "io.holdfast.reverse..", "io.holdfast.agent.role.."
    };
    private static final String[] PROXY_CORE = {
        "io.holdfast.frame..",
        "io.holdfast.wall..",
        "io.holdfast.reverse..",
        "io.holdfast.port..",
        "io.holdfast.bridge..",
        "io.holdfast.dump..",
        "io.holdfast.audit..",
        "io.holdfast.control..",
        "io.holdfast.http..",
        "io.holdfast.config..",
        "io.holdfast.measure..",
        "io.holdfast.memory..",
        "io.holdfast.metrics.."
    };

    private static final DescribedPredicate<JavaClass> OUR_OWN = resideInAPackage("io.holdfast..");

    /** No tests, neither in a directory nor in a jar. */
    static final class ShippedClasses implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/test-classes/") && !location.contains("-tests.jar");
        }
    }

    @ArchTest
    static final ArchRule framesKnowOnlyWhereTheyAre = noClasses()
            .that()
            .resideInAPackage("io.holdfast.frame..")
            .should()
            .dependOnClassesThat(OUR_OWN.and(
                    DescribedPredicate.not(resideInAnyPackage("io.holdfast.frame..", "io.holdfast.memory.."))));

    @ArchTest
    static final ArchRule memoryKnowsNothingElse = noClasses()
            .that()
            .resideInAPackage("io.holdfast.memory..")
            .should()
            .dependOnClassesThat(OUR_OWN.and(DescribedPredicate.not(resideInAPackage("io.holdfast.memory.."))));

    @ArchTest
    static final ArchRule measuresKnowNothingElse = noClasses()
            .that()
            .resideInAPackage("io.holdfast.measure..")
            .should()
            .dependOnClassesThat(OUR_OWN.and(DescribedPredicate.not(resideInAPackage("io.holdfast.measure.."))));

    @ArchTest
    static final ArchRule theHttpServerDoesNotKnowWhatItServes = noClasses()
            .that()
            .resideInAPackage("io.holdfast.http..")
            .should()
            .dependOnClassesThat(OUR_OWN.and(DescribedPredicate.not(resideInAPackage("io.holdfast.http.."))));

    @ArchTest
    static final ArchRule decisionsDoNoInputOrOutput = noClasses()
            .that()
            .resideInAnyPackage(DECIDING)
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                    "java.io..",
                    "java.net..",
                    "java.nio..",
                    "org.slf4j..",
                    "org.pcap4j..",
                    "io.netty..",
                    "io.micrometer..",
                    "io.prometheus..",
                    "com.fasterxml..",
                    "io.holdfast.port..",
                    "io.holdfast.bridge..",
                    "io.holdfast.control..",
                    "io.holdfast.metrics.."));

    /** Reverse mode decides by what is in frames; wall and roles do not look into them. */
    @ArchTest
    static final ArchRule onlyReverseModeLooksIntoFrames = noClasses()
            .that()
            .resideInAnyPackage("io.holdfast.wall..", "io.holdfast.agent.role..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("java.lang.foreign..", "io.holdfast.frame.."));

    @ArchTest
    static final ArchRule decisionsHaveNoThreads = noClasses()
            .that()
            .resideInAnyPackage(DECIDING)
            .should()
            .dependOnClassesThat(resideInAPackage("java.util.concurrent.."))
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(Thread.class);

    @ArchTest
    static final ArchRule decisionsReadNoClock = noClasses()
            .that()
            .resideInAnyPackage(DECIDING)
            .should()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(System.class, "currentTimeMillis")
            .orShould()
            .callMethod(Instant.class, "now")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(InstantSource.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(Clock.class);

    @ArchTest
    static final ArchRule portsDecideNothing = noClasses()
            .that()
            .resideInAPackage("io.holdfast.port..")
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                    "io.holdfast.wall..", "io.holdfast.reverse..", "io.holdfast.control..", "io.holdfast.bridge.."));

    @ArchTest
    static final ArchRule onlyPortsKnowPcap = noClasses()
            .that()
            .resideOutsideOfPackage("io.holdfast.port..")
            .should()
            .dependOnClassesThat(resideInAPackage("org.pcap4j.."));

    @ArchTest
    static final ArchRule theBridgeOnlyMovesFrames = noClasses()
            .that()
            .resideInAPackage("io.holdfast.bridge..")
            .should()
            .dependOnClassesThat(resideInAnyPackage(
                    "io.holdfast.arp..",
                    "io.holdfast.agent..",
                    "io.holdfast.control..",
                    "io.holdfast.metrics..",
                    "io.netty..",
                    "io.micrometer..",
                    "com.fasterxml.."));

    @ArchTest
    static final ArchRule theProtocolDoesNotKnowWhatItCarries = noClasses()
            .that()
            .resideInAPackage("io.holdfast.control..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.holdfast.port..", "io.holdfast.bridge.."));

    @ArchTest
    static final ArchRule theAgentsShellsDoNotTouchPorts = noClasses()
            .that()
            .resideInAPackage("io.holdfast.agent..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.holdfast.port..", "io.holdfast.bridge.."));

    @ArchTest
    static final ArchRule proxyCoreIsTheBottom = noClasses()
            .that()
            .resideInAnyPackage(PROXY_CORE)
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.holdfast.arp..", "io.holdfast.agent..", "io.holdfast.cli.."));

    @ArchTest
    static final ArchRule theArpManagerKnowsNoAgent = noClasses()
            .that()
            .resideInAPackage("io.holdfast.arp..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.holdfast.agent..", "io.holdfast.cli.."));

    @ArchTest
    static final ArchRule nobodyKnowsTheCommandLine = noClasses()
            .that()
            .resideOutsideOfPackage("io.holdfast.cli..")
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.holdfast.cli..", "picocli.."));

    @ArchTest
    static final ArchRule packagesDependOneWay =
            slices().matching("io.holdfast.(*)..").should().beFreeOfCycles();
}
