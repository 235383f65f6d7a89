package io.holdfast.cli.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** Debian's Chromium without a screen, as a person sees a page in it; in the network namespace of whoever makes it. */
final class Browser implements AutoCloseable {

    /** For people who want to look. */
    private static final Path SCREENSHOTS = Path.of("target", "status-page");

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Pattern REQUESTED =
            Pattern.compile("\"documentURL\":.*?\"request\":\\{.*?\"url\":\"([^\"]*)\"");

    private final ChromeDriver driver;

    Browser(Path profile) {
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        ChromeOptions options = new ChromeOptions();
        options.setBinary("/usr/bin/chromium");
        // As root there is no sandbox; the rest keeps Chromium from asking its maker for anything.
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
                "--user-data-dir=" + profile);
        options.setCapability("goog:loggingPrefs", logs);
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(new File("/usr/bin/chromedriver"))
                .usingAnyFreePort()
                .build();
        driver = new ChromeDriver(service, options);
    }

    /** What the page has to fit into from now on. */
    void show(int width, int height, String colourScheme) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", colourScheme))));
    }

    /** Loads a page on a screen in the light; {@link #requestedUrls} and {@link #complaints} begin with it. */
    void open(String url) {
        driver.get("about:blank");
        requestedUrls();
        complaints();
        show(1280, 900, "light");
        driver.get(url);
    }

    String title() {
        return driver.getTitle();
    }

    /** What the first element that the CSS selector finds says now. */
    String text(String selector) {
        return driver.findElement(By.cssSelector(selector)).getText();
    }

    @Nullable
    String attribute(String selector, String name) {
        return driver.findElement(By.cssSelector(selector)).getDomAttribute(name);
    }

    /** What the row of a table with this heading says now; the value as a person finds it. */
    String row(String heading) {
        return driver.findElement(By.xpath("//tr[th='%s']/td".formatted(heading)))
                .getText();
    }

    /** What the browser tells a screen reader that the first element is that the CSS selector finds. */
    @Nullable
    String role(String selector) {
        return driver.findElement(By.cssSelector(selector)).getAriaRole();
    }

    /** A property of the style that the first element has, after everything that applies to it. */
    String style(String selector, String property) {
        return driver.findElement(By.cssSelector(selector)).getCssValue(property);
    }

    void awaitText(String selector, String part) {
        await().atMost(LIMIT).untilAsserted(() -> assertThat(text(selector)).contains(part));
    }

    Object evaluate(String script) {
        return driver.executeScript(script);
    }

    /** Everything that the page and its parts were fetched from since the last question. */
    List<String> requestedUrls() {
        return driver.manage().logs().get(LogType.PERFORMANCE).getAll().stream()
                .map(LogEntry::getMessage)
                .filter(message -> message.contains("\"Network.requestWillBeSent\""))
                .map(REQUESTED::matcher)
                .filter(Matcher::find)
                .map(matcher -> matcher.group(1))
                .toList();
    }

    /** What the browser had to complain about since the last question. */
    List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .map(LogEntry::getMessage)
                .toList();
    }

    /** The rules of accessibility that the page breaks now, with the elements; empty if none. */
    @SuppressWarnings("unchecked")
    List<String> accessibilityViolations() throws IOException {
        try (InputStream script = Browser.class.getResourceAsStream("/axe.min.js")) {
            driver.executeScript(new String(Objects.requireNonNull(script).readAllBytes(), StandardCharsets.UTF_8));
        }
        return (List<String>) driver.executeAsyncScript("""
                const done = arguments[arguments.length - 1];
                axe.run().then((results) => done(results.violations.map((violation) =>
                    `${violation.id}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`)));
                """);
    }

    void keepScreenshot(String name) throws IOException {
        Files.createDirectories(SCREENSHOTS);
        Files.write(SCREENSHOTS.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
    }

    @Override
    public void close() {
        driver.quit();
    }
}
