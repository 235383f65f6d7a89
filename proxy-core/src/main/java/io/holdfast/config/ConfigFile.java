package io.holdfast.config;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A configuration file that has been read and checked: what the program works with, and how it prints. */
public final class ConfigFile {

    /** Far above any honest file, far below what could hurt. */
    private static final int LIMIT_BYTES = 1 << 20;

    private final HoldfastConfig config;
    private final String effectiveYaml;
    private final String effectiveJson;
    private final PublicSettings publicSettings;

    private ConfigFile(
            HoldfastConfig config, String effectiveYaml, String effectiveJson, PublicSettings publicSettings) {
        this.config = config;
        this.effectiveYaml = effectiveYaml;
        this.effectiveJson = effectiveJson;
        this.publicSettings = publicSettings;
    }

    /**
     * Reads and checks a file.
     *
     * @throws ConfigException names everything that is wrong in it, with lines
     */
    public static ConfigFile read(Path file) throws ConfigException {
        try {
            if (Files.size(file) > LIMIT_BYTES) {
                throw new ConfigException(file + ": larger than 1 MiB, which no configuration is");
            }
            byte[] bytes = Files.readAllBytes(file);
            String yaml = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            return parse(file.toString(), yaml);
        } catch (NoSuchFileException e) {
            throw new ConfigException(file + ": no such file; name the configuration with --config FILE");
        } catch (AccessDeniedException e) {
            throw new ConfigException(file + ": not readable for this user");
        } catch (CharacterCodingException e) {
            throw new ConfigException(file + ": not UTF-8 text");
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        }
    }

    /**
     * Checks the text of a file.
     *
     * @param name what problems call the file
     * @throws ConfigException names everything that is wrong in it, with lines
     */
    public static ConfigFile parse(String name, String yaml) throws ConfigException {
        Problems problems = new Problems(name);
        SectionValues top = new SettingsReader(problems).read(yaml);
        new CrossChecks(top, problems).check();
        problems.throwIfAny();
        return new ConfigFile(
                Assembly.holdfast(top),
                SettingsPrinter.print(top),
                SettingsJson.print(top),
                SettingsJson.printPublic(top));
    }

    /** What the program works with. */
    public HoldfastConfig config() {
        return config;
    }

    /** The file as if every setting had been written out, each with its text, unit and default; reads back the same. */
    public String effectiveYaml() {
        return effectiveYaml;
    }

    /** The same as one JSON object in the shape of the file, without texts and defaults. */
    public String effectiveJson() {
        return effectiveJson;
    }

    /** The same for strangers: what may be a secret is withheld. */
    public PublicSettings publicSettings() {
        return publicSettings;
    }
}
