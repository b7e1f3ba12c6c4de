package io.lockstep.tsdstore.sql;

import org.h2.value.Value;
import org.jspecify.annotations.Nullable;

/**
 * An update that was answered and is not done yet.
 *
 * @param number the client's for its statement, which may have been closed since
 * @param body the message that asked for it
 */
record Deferred(
        int number, SqlStatement statement, @Nullable Value[] parameters, byte[] body) {}
