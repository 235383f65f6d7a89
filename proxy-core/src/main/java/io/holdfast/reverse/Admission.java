package io.holdfast.reverse;

/** When clients' requests reach the guest. */
public enum Admission {
    /** At once. Right where connections do not depend on each other. */
    FREE,
    /**
     * One at a time of all connections with this admission, each when the one before it is answered, so that a restored guest
     * can be given them in the order in which they were served. Replies that depend on the requests of others then repeat. A
     * request that is not answered in time lets the next one pass, and is counted: for that stretch nothing is certain.
     */
    SERIAL,
    /**
     * Like {@link #SERIAL}, but all requests that have come while others were with the guest go to it together. They repeat if
     * the guest serves in the order of arrival what it finds when it looks for work, as one event loop on one processor does.
     */
    BATCH
}
