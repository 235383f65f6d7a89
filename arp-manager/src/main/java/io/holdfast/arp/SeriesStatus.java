package io.holdfast.arp;

/**
 * One NIC's announcements, for people to look at.
 *
 * @param nic its name
 * @param state where they are
 * @param framesPerRound how many frames a round has
 * @param rounds how many rounds were begun since the series was last started
 * @param waitingFrames how many frames of the present round wait for the port's limit
 */
public record SeriesStatus(String nic, SeriesState state, int framesPerRound, long rounds, int waitingFrames) {}
