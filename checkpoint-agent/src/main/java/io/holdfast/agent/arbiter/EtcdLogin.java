package io.holdfast.agent.arbiter;

import java.nio.file.Path;

/**
 * Who asks etcd.
 *
 * @param user its name there
 * @param passwordFile whose first line is the password
 */
public record EtcdLogin(String user, Path passwordFile) {}
