package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LIST;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.holdfast.audit.AuditEvent;
import io.holdfast.audit.AuditLog;
import io.holdfast.cli.proxy.Cables;
import io.holdfast.cli.proxy.Engine;
import io.holdfast.cli.proxy.HoldfastProxy;
import io.holdfast.cli.proxy.Wire;
import io.holdfast.config.HoldfastConfig;
import io.holdfast.control.ControlServer;
import io.holdfast.testkit.FrameBuilder;
import io.holdfast.testkit.InNetworkNamespace;
import io.holdfast.wall.Term;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real proxy's page in a real browser, driven by an engine and by something that answers for an agent. */
@InNetworkNamespace(oneForAll = true)
class StatusPageInBrowserTest {

    private static final String URL = "http://127.0.0.1:9601/";
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int HELD_FRAMES = 7;

    @TempDir
    static Path profile;

    private static boolean pluggedIn;
    private static @Nullable Browser browser;

    @TempDir
    Path directory;

    private final AtomicLong checkpoints = new AtomicLong();

    @Test
    void shouldShowWhatTheMetricsSayAndAskNobodyElse() throws Exception {
        try (HoldfastProxy proxy = start();
                ControlServer agent = agent();
                Wire guest = new Wire("guest0");
                Wire net = new Wire("net0");
                Engine engine = engine()) {
            protect(engine);
            browser().open(URL);
            letFramesLeaveForAWhile(engine, guest);
            for (int i = 0; i < HELD_FRAMES; i++) {
                guest.send(frame());
            }
            browser().awaitText("[data-field='proxy.held_frames']", Integer.toString(HELD_FRAMES));
            browser().awaitText("[data-field='agent.status.peer']", "connected");

            String metrics = scrape();
            assertThat(browser().row("Held frames")).isEqualTo(metric(metrics, "holdfast_held_frames"));
            assertThat(browser().row("Held bytes")).startsWith(metric(metrics, "holdfast_held_bytes") + " B of ");
            assertThat(browser().row("Epoch that is open")).isEqualTo(metric(metrics, "holdfast_epoch"));
            assertThat(browser().row("Newest confirmed epoch")).isEqualTo(metric(metrics, "holdfast_committed_epoch"));
            assertThat(browser().row("Term")).startsWith(metric(metrics, "holdfast_term") + ", ");
            assertThat(browser().text("#headline"))
                    .isEqualTo("PROTECTED: every frame waits until the backup has what sent it.");
            assertThat(browser().title()).isEqualTo("PROTECTED – redis on a – Holdfast");
            assertThat(browser().text("#events")).contains("wall ARMING -> PROTECTED");
            browser().keepScreenshot("light");

            assertThat(browser().requestedUrls()).isNotEmpty().allMatch(url -> url.startsWith(URL));
            assertThat(browser().complaints()).isEmpty();
        }
    }

    @Test
    void shouldDrawAndTellWhatWasHeldAndForHowLong() throws Exception {
        try (HoldfastProxy proxy = start();
                ControlServer agent = agent();
                Wire guest = new Wire("guest0");
                Engine engine = engine()) {
            protect(engine);
            browser().open(URL);
            letFramesLeaveForAWhile(engine, guest);
            for (int i = 0; i < HELD_FRAMES; i++) {
                guest.send(frame());
            }
            browser().awaitText("[data-chart='held'] .figures", HELD_FRAMES * frame().length + " B now, 0 B to ");
            browser().awaitText("[data-chart='hold'] .figures", "half of them: ");
            browser().awaitText("[data-chart='pause'] .figures", "8.0 ms now, 8.0 ms to 8.0 ms");
            for (String chart : List.of("hold", "held", "pause")) {
                assertThat(coloursDrawnIn(chart)).as(chart).contains(browser().evaluate("return colour('--first')"));
            }
        }
    }

    /** Else a screen reader would say it again, a selection would be lost, and the eye would be drawn to nothing. */
    @Test
    void shouldNotTouchWhatHasNotChanged() throws Exception {
        try (HoldfastProxy proxy = start();
                ControlServer agent = agent();
                Engine engine = engine()) {
            protect(engine);
            browser().open(URL);
            browser().awaitText("#headline", "PROTECTED");
            browser().awaitText("#events", "wall ARMING -> PROTECTED");
            browser().awaitText("[data-field='agent.status.peer']", "connected");
            String before = browser().text("#as-of");
            browser().evaluate("""
                    window.touched = [];
                    const observer = new MutationObserver((changes) => touched.push(...changes
                        .filter((change) => change.attributeName === null
                            || change.target.getAttribute(change.attributeName) !== change.oldValue)
                        .map((change) => change.target.outerHTML ?? change.target.data)));
                    for (const still of ['.whose', '.headline', '#events', '#ports', "[data-field='proxy.term']"]) {
                      observer.observe(document.querySelector(still),
                          { subtree: true, childList: true, characterData: true, attributeOldValue: true });
                    }
                    """);
            await().atMost(LIMIT).until(() -> !browser().text("#as-of").equals(before));
            assertThat(browser().evaluate("return touched")).asInstanceOf(LIST).isEmpty();
        }
    }

    @Test
    void shouldShowANewStateWithoutBeingLoadedAnew() throws Exception {
        try (HoldfastProxy proxy = start();
                ControlServer agent = agent()) {
            browser().open(URL);
            browser().awaitText("#headline", "CLOSED: no agent has taken this proxy yet");
            browser().evaluate("window.loadedOnce = true");
            try (Engine engine = engine()) {
                protect(engine);
                browser().awaitText("#headline", "PROTECTED");
                assertThat(browser().attribute("#icon", "href")).endsWith("/good.svg");
            }
            browser().awaitText("#headline", "SUSPENDED: no frame leaves.");
            assertThat(browser().title()).startsWith("SUSPENDED");
            assertThat(browser().attribute("#icon", "href")).endsWith("/bad.svg");
            assertThat(browser().evaluate("return window.loadedOnce")).isEqualTo(true);
            browser().keepScreenshot("suspended");
        }
    }

    @Test
    void shouldSayThatTheAgentIsGoneAndShowItsLastWordAsOld() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            protect(engine);
            try (ControlServer agent = agent()) {
                browser().open(URL);
                browser().awaitText("[data-field='agent.status.role']", "primary");
                assertThat(browser().text("#agent-age")).isEmpty();
            }
            browser().awaitText("#warnings", "The agent does not answer (nobody listens at");
            browser().awaitText("#agent-age", "(as of ");
            assertThat(browser().row("Role of this host")).isEqualTo("primary");
            assertThat(browser().style("[data-field='agent.status.role']", "font-style"))
                    .isEqualTo("italic");
            browser().keepScreenshot("agent-gone");
            try (ControlServer agent = agent()) {
                await().atMost(LIMIT).until(() -> browser().text("#agent-age").isEmpty());
            }
        }
    }

    @Test
    void shouldNotGoOnSayingProtectedWhenTheProxyIsGone() throws Exception {
        try (HoldfastProxy proxy = start();
                Engine engine = engine()) {
            protect(engine);
            browser().open(URL);
            browser().awaitText("#headline", "PROTECTED");
        }
        browser().awaitText("#headline", "UNKNOWN: the proxy does not answer.");
        assertThat(browser().title()).startsWith("UNKNOWN");
        assertThat(browser().text("#stale")).contains("What is shown here is from then.");
        assertThat(browser().role("#stale")).isEqualTo("alert");
        assertThat(browser().style("[data-field='proxy.state']", "font-style")).isEqualTo("italic");
        browser().keepScreenshot("proxy-gone");
    }

    @Test
    void shouldBeOfUseOnAPhoneInTheDarkAndToAScreenReader() throws Exception {
        try (HoldfastProxy proxy = start();
                ControlServer agent = agent();
                Engine engine = engine()) {
            noteSomethingLong();
            protect(engine);
            browser().open(URL);
            browser().awaitText("#headline", "PROTECTED");
            assertThat(browser().accessibilityViolations()).isEmpty();
            assertThat(browser().attribute("#headline", "aria-live")).isEqualTo("polite");
            String ground = browser().style("body", "background-color");

            browser().show(360, 740, "dark");
            browser().awaitText("#headline", "PROTECTED");
            assertThat(browser().evaluate("return document.documentElement.scrollWidth"))
                    .isEqualTo(360L);
            assertThat(browser().style("body", "background-color")).isNotEqualTo(ground);
            assertThat(browser().accessibilityViolations()).isEmpty();
            browser().keepScreenshot("phone-dark");
            browser().show(1280, 900, "dark");
            browser().keepScreenshot("dark");
        }
    }

    // ---- the stage

    /** Started by the first test, because it has to be in the tests' namespace. */
    private static Browser browser() {
        Browser running = browser;
        if (running == null) {
            running = new Browser(profile);
            browser = running;
        }
        return running;
    }

    @AfterAll
    static void closeBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    /** As CSS writes them. */
    @SuppressWarnings("unchecked")
    private static List<Object> coloursDrawnIn(String chart) {
        return (List<Object>) browser().evaluate("""
                        const canvas = document.querySelector("[data-chart='%s'] canvas");
                        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                        const colours = new Set();
                        for (let i = 0; i < data.length; i += 4) {
                          colours.add(`#${[...data.slice(i, i + 3)].map((part) => part.toString(16).padStart(2, '0')).join('')}`);
                        }
                        return [...colours];
                        """.formatted(chart));
    }

    private HoldfastProxy start() throws Exception {
        if (!pluggedIn) {
            Cables.plugIn(0);
            pluggedIn = true;
        }
        Path file = Cables.writeConfig(directory);
        Files.writeString(file, """
                agent:
                  role: primary
                  link: {listen: 127.0.0.1:1, peer: 127.0.0.1:2, insecure: true}
                  qemu: {memory: /dev/shm/none, command: /bin/false}
                """, StandardOpenOption.APPEND);
        return HoldfastProxy.start(HoldfastConfig.read(file), false, "test");
    }

    /** Speaks the protocol as an agent does, and does nothing. */
    private ControlServer agent() throws IOException {
        return ControlServer.builder(directory.resolve("run/agent.sock"), "agent", "test")
                .command("status", "what this agent does", (arguments, session) -> {
                    long taken = checkpoints.addAndGet(10);
                    return JsonNodeFactory.instance
                            .objectNode()
                            .put("role", "primary")
                            .put("peer", "connected")
                            .put("last_contact_ms", 12.5)
                            .put("term", 3)
                            .put("epoch", taken)
                            .put("checkpoints", taken)
                            .put("paused_ms", taken * 8.0)
                            .put("failed_checkpoints", 0)
                            .put("pause_p50_ms", 7.9)
                            .put("pause_p99_ms", 12.0)
                            .put("failovers", 0);
                })
                .start();
    }

    private Engine engine() throws IOException {
        return new Engine(directory.resolve("run/proxy.sock"));
    }

    private static void protect(Engine engine) throws Exception {
        engine.hello(3);
        engine.commit(engine.barrier());
    }

    /** Long enough for a curve. */
    private static void letFramesLeaveForAWhile(Engine engine, Wire guest) throws Exception {
        long untilNanos = System.nanoTime() + Duration.ofSeconds(3).toNanos();
        while (System.nanoTime() < untilNanos) {
            guest.send(frame());
            Thread.sleep(30);
            engine.commit(engine.barrier());
        }
        await().atMost(LIMIT).until(() -> {
            engine.commit(engine.barrier());
            return engine.status().path("held_frames").asLong() == 0;
        });
    }

    private void noteSomethingLong() {
        Path state = directory.resolve("state");
        try (AuditLog log = new AuditLog(state, "agent", "a", "redis", InstantSource.system())) {
            log.note(AuditEvent.ALONE, new Term(3, Term.Claim.PROMOTION, "a"), "because of " + "x".repeat(200));
        }
    }

    private static byte[] frame() {
        return FrameBuilder.ethernet("52:54:00:00:00:02", "52:54:00:00:00:01")
                .ipv4("10.0.0.1", "10.0.0.2", 64, 17, FrameBuilder.udp(53, 40_000, new byte[] {1, 2, 3}));
    }

    private static String scrape() throws IOException {
        try (var in = URI.create(URL + "metrics").toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A whole number, as people write it. */
    private static String metric(String metrics, String name) {
        Matcher line = Pattern.compile("(?m)^" + name + "\\{[^}]*} (.*)$").matcher(metrics);
        assertThat(line.find()).as("metric %s", name).isTrue();
        return Long.toString((long) Double.parseDouble(line.group(1)));
    }
}
