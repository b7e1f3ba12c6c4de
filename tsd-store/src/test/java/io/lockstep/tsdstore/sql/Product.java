package io.lockstep.tsdstore.sql;

import org.h2.api.Aggregate;
import org.h2.value.Value;

/** An aggregate that multiplies; zero is more than it can bear. */
public final class Product implements Aggregate {
    private long product = 1;

    @Override
    public int getInternalType(int[] inputTypes) {
        return Value.BIGINT;
    }

    @Override
    public void add(Object value) {
        long factor = ((Number) value).longValue();
        if (factor == 0) {
            throw new AssertionError("zero");
        }
        product *= factor;
    }

    @Override
    public Object getResult() {
        return product;
    }
}
