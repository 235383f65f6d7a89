package io.holdfast.cli.page;

import io.holdfast.http.Answer;
import io.holdfast.http.Resource;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The files that the page is made of. All but the page itself are in a folder whose name is a digest of them: a browser may keep
 * them for good, and never has those of two versions together.
 */
final class Assets {

    private static final List<String> OWN_FILES =
            List.of("page.css", "page.js", "good.svg", "idle.svg", "watch.svg", "bad.svg", "unknown.svg");
    private static final List<String> CHART_FILES = List.of("uPlot.iife.min.js", "uPlot.min.css");
    private static final int FOLDER_DIGITS = 12;

    /** Where the page's own text has the folder. */
    private static final String FOLDER_PLACE = "{{assets}}";

    private Assets() {}

    /**
     * Everything by its path.
     *
     * @throws IOException if the distribution is not whole
     */
    static Map<String, Resource> read() throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (String name : OWN_FILES) {
            files.put(name, bytesOf(name));
        }
        String charts = "/META-INF/resources/webjars/uplot/" + chartVersion() + "/dist/";
        for (String name : CHART_FILES) {
            files.put(name, bytesOf(charts + name));
        }
        String folder = "assets/" + digest(files);
        Map<String, Resource> resources = new HashMap<>();
        files.forEach((name, bytes) -> {
            Answer answer = new Answer(200, contentType(name), Answer.KEEP_FOREVER, bytes);
            resources.put("/" + folder + "/" + name, accept -> answer);
        });
        String page = new String(bytesOf("page.html"), StandardCharsets.UTF_8).replace(FOLDER_PLACE, folder);
        Answer answer = Answer.current(contentType("page.html"), page.getBytes(StandardCharsets.UTF_8));
        resources.put("/", accept -> answer);
        return resources;
    }

    /** The library's own word, so that nothing but the build names a version. */
    private static String chartVersion() throws IOException {
        Properties properties = new Properties();
        try (InputStream stream = open("/META-INF/maven/org.webjars.npm/uplot/pom.properties")) {
            properties.load(stream);
        }
        return properties.getProperty("version");
    }

    private static byte[] bytesOf(String name) throws IOException {
        try (InputStream stream = open(name)) {
            return stream.readAllBytes();
        }
    }

    private static InputStream open(String name) throws IOException {
        InputStream stream = Assets.class.getResourceAsStream(name);
        if (stream == null) {
            throw new FileNotFoundException("the distribution lacks " + name + ", a part of the status page");
        }
        return stream;
    }

    private static String digest(Map<String, byte[]> files) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            files.values().forEach(digest::update);
            return HexFormat.of().formatHex(digest.digest()).substring(0, FOLDER_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static String contentType(String name) {
        return switch (name.substring(name.lastIndexOf('.'))) {
            case ".html" -> "text/html; charset=utf-8";
            case ".css" -> "text/css; charset=utf-8";
            case ".js" -> "text/javascript; charset=utf-8";
            case ".svg" -> "image/svg+xml";
            default -> throw new IllegalArgumentException("what is " + name + "?");
        };
    }
}
