package io.lockstep.tsdstore.sql;

import java.util.List;
import org.h2.value.Value;

/**
 * An open result: all its rows. Immutable.
 *
 * @param rows must not be changed by anyone
 * @param bytes memory that it takes, about
 */
record SqlResult(List<Value[]> rows, long bytes) {}
