package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Objects;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.db.ValueDataType;
import org.h2.table.Column;
import org.h2.value.TypeInfo;
import org.h2.value.Value;
import org.h2.value.ValueArray;
import org.h2.value.ValueBigint;
import org.h2.value.ValueLob;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a copy's values become in another database, at the borders. */
class ValueReaderTest {
    private Connection connection;
    private ValueReader reader;

    @BeforeEach
    void open() throws SQLException {
        connection = DriverManager.getConnection("jdbc:h2:mem:");
        reader = new ValueReader(
                (SessionLocal) connection.unwrap(JdbcConnection.class).getSession());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
    }

    @Test
    void anEmptyLargeObjectIsEmptyAndALongerOneThanThereIsIsRefused() {
        Value empty = reader.value(ByteBuffer.wrap(new byte[] {ValueWriter.BINARY_OBJECT, 0}));
        assertThat(((ValueLob) Objects.requireNonNull(empty)).octetLength()).isZero();
        assertThatThrownBy(() -> reader.value(ByteBuffer.wrap(new byte[] {ValueWriter.BINARY_OBJECT, 2, 7})))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("length 2 of 1");
    }

    @Test
    void whatIsAbsentStaysSoAndWhatAnArrayHoldsGetsTheTypeOfItsColumn() {
        WriteBuffer out = new WriteBuffer();
        out.put((byte) ValueWriter.ABSENT).put((byte) ValueWriter.ARRAY).putVarInt(1);
        out.put((byte) ValueWriter.PLAIN);
        new ValueDataType().write(out, ValueBigint.get(5));
        ByteBuffer in = out.getBuffer();
        in.flip();
        TypeInfo array = TypeInfo.getTypeInfo(Value.ARRAY, 10, 0, TypeInfo.TYPE_INTEGER);
        Value[] row = reader.row(in, new Column[] {new Column("A", TypeInfo.TYPE_INTEGER), new Column("B", array)});
        assertThat(row[0]).isNull();
        assertThat(((ValueArray) Objects.requireNonNull(row[1])).getList()[0].getValueType())
                .isEqualTo(Value.INTEGER);
    }

    @Test
    void aConstantOfAnEnumThatNoColumnNamesKeepsItsLabel() {
        WriteBuffer out = new WriteBuffer();
        out.put((byte) ValueWriter.ENUM).putVarInt(1).putVarInt(4).putStringData("blue", 4);
        ByteBuffer in = out.getBuffer();
        in.flip();
        assertThat(Objects.requireNonNull(reader.value(in)).getString()).isEqualTo("blue");
    }
}
