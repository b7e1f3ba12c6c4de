package io.lockstep.sqlwire;

import java.util.List;

/** Which generated keys a statement is to return. */
public sealed interface GeneratedKeys {
    /** None. */
    record None() implements GeneratedKeys {}

    /** All that the statement generates. */
    record All() implements GeneratedKeys {}

    /** Columns by their number in the table, from 1. */
    record ByIndex(List<Integer> columns) implements GeneratedKeys {}

    /** Columns by name. */
    record ByName(List<String> columns) implements GeneratedKeys {}

    GeneratedKeys NONE = new None();
    GeneratedKeys ALL = new All();
}
