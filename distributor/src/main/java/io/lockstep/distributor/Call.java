package io.lockstep.distributor;

import io.lockstep.wire.RequestKind;
import java.util.concurrent.CompletableFuture;

/**
 * One call of the application on its way through the client's thread.
 *
 * @param transaction id of its transaction, 0 outside of one
 * @param ending completed on the thread {@code client}, never exceptionally
 */
record Call(RequestKind kind, long transaction, byte[] body, CompletableFuture<Ending> ending) {}
