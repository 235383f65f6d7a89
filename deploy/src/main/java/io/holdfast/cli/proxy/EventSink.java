package io.holdfast.cli.proxy;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** Tells those who have subscribed to the control socket. Never blocks; any thread. */
@FunctionalInterface
interface EventSink {

    void emit(ProxyEvent event, ObjectNode data);
}
