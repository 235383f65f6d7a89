package io.holdfast.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The checked configuration of one guest on one host.
 *
 * @param guest the guest's name
 * @param host this host's name; the owner of the terms that it draws
 * @param runtimeDirectory for sockets; emptied by a reboot
 * @param stateDirectory for what must survive a reboot
 * @param proxySection empty if the file has no section {@code proxy}
 * @param agentSection empty if the file has no section {@code agent}
 */
public record HoldfastConfig(
        String guest,
        String host,
        Path runtimeDirectory,
        Path stateDirectory,
        Optional<ProxyConfig> proxySection,
        Optional<AgentConfig> agentSection) {

    /**
     * Reads and checks a file.
     *
     * @throws ConfigException names everything that is wrong in it, with lines
     */
    public static HoldfastConfig read(Path file) throws ConfigException {
        return ConfigFile.read(file).config();
    }

    /**
     * The settings of the packet path.
     *
     * @throws ConfigException if the file has none
     */
    public ProxyConfig proxy() throws ConfigException {
        return proxySection.orElseThrow(() -> missingSection("proxy"));
    }

    /**
     * The settings of the process that ships checkpoints.
     *
     * @throws ConfigException if the file has none
     */
    public AgentConfig agent() throws ConfigException {
        return agentSection.orElseThrow(() -> missingSection("agent"));
    }

    /** Where the wall takes commands on this host, whichever proxy has it. */
    public Path proxySocket() {
        return runtimeDirectory.resolve(Settings.PROXY_SOCKET_NAME);
    }

    /** Where this host's own proxy listens for commands; elsewhere than the wall if it stands by for the peer's. */
    public Path ownProxySocket() {
        return standsBy() ? runtimeDirectory.resolve(Settings.STANDBY_SOCKET_NAME) : proxySocket();
    }

    /** Whether the proxy of this host waits for the death of the peer's. */
    public boolean standsBy() {
        return proxySection.isPresent()
                && agentSection.filter(agent -> agent.wall() == WallPlace.PEER).isPresent();
    }

    /** Where the proxy exchanges clients' frames with its agent. */
    public Path framesSocket() {
        return runtimeDirectory.resolve(Settings.FRAMES_SOCKET_NAME);
    }

    /** Where the agent listens for commands. */
    public Path agentSocket() {
        return runtimeDirectory.resolve(Settings.AGENT_SOCKET_NAME);
    }

    private ConfigException missingSection(String name) {
        return new ConfigException("the configuration of guest `" + guest + "` has no section `" + name
                + "`, which `holdfast " + name + "` needs; add it to the file");
    }
}
