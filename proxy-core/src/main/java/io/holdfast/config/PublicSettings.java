package io.holdfast.config;

import java.util.List;

/**
 * The settings in effect, as strangers may see them.
 *
 * @param json in the shape of the file; a value that is free text is withheld
 * @param withheld those values, so that they can be kept out of other texts, too
 */
public record PublicSettings(String json, List<String> withheld) {}
