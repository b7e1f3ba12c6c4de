package io.lockstep.jdbc;

import io.lockstep.sqlwire.SqlOutcome;
import org.h2.api.ErrorCode;
import org.h2.expression.ParameterInterface;
import org.h2.message.DbException;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueLob;
import org.jspecify.annotations.Nullable;

/** A parameter of a command and its value. Used by one thread at a time, as its statement is. */
final class SqlParameter implements ParameterInterface {
    private final int index;
    private final SqlOutcome.Parameter described;
    private @Nullable Value value;

    SqlParameter(int index, SqlOutcome.Parameter described) {
        this.index = index;
        this.described = described;
    }

    @Override
    public void setValue(@Nullable Value newValue, boolean closeOld) {
        if (closeOld && value instanceof ValueLob old) {
            old.remove();
        }
        value = newValue;
    }

    @Override
    public @Nullable Value getParamValue() {
        return value;
    }

    @Override
    public void checkSet() {
        if (value == null) {
            throw DbException.get(ErrorCode.PARAMETER_NOT_SET_1, "#" + (index + 1));
        }
    }

    @Override
    public boolean isValueSet() {
        return value != null;
    }

    @Override
    public TypeInfo getType() {
        Value set = value;
        return set == null ? described.type() : set.getType();
    }

    @Override
    public int getNullable() {
        return described.nullable();
    }
}
