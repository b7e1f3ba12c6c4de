package io.lockstep.tsdstore;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.ZoneOffset;
import org.h2.engine.Database;
import org.h2.engine.Mode;
import org.h2.engine.SessionLocal;
import org.h2.jdbc.JdbcConnection;
import org.h2.util.JSR310Utils;
import org.h2.util.MathUtils;
import org.h2.value.ValueTimestampTimeZone;

/**
 * What makes H2's own time and chance equal on all nodes; it reaches into fields of H2 {@code 2.5.252} that are not
 * public, and fails at class loading where they are gone. Called by the lane; the seed belongs to the calling thread.
 *
 * <p>Time: with {@link Mode#dateTimeValueWithinTransaction} a session asks for the time once in a transaction, and finds
 * the value that we put there. Chance: RAND() has a generator per session, RANDOM_UUID(), SECURE_RAND() and the names of
 * identity columns' sequences one per process, which we replace by one that is seeded on lanes and as before elsewhere.
 */
public final class H2Session {
    private static final VarHandle CURRENT_TIMESTAMP;
    private static final ThreadLocal<SeededBytes> SEEDED = ThreadLocal.withInitial(SeededBytes::new);

    static {
        try {
            CURRENT_TIMESTAMP = MethodHandles.privateLookupIn(SessionLocal.class, MethodHandles.lookup())
                    .findVarHandle(SessionLocal.class, "currentTimestamp", ValueTimestampTimeZone.class);
            MathUtils.secureRandomLong();
            Field shared = MathUtils.class.getDeclaredField("secureRandom");
            shared.setAccessible(true);
            shared.set(null, new LaneRandom((SecureRandom) shared.get(null)));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private H2Session() {}

    /** The H2 session behind an embedded connection. */
    public static SessionLocal of(Connection connection) throws SQLException {
        return (SessionLocal) connection.unwrap(JdbcConnection.class).getSession();
    }

    /** From here to {@link #end}, or to the transaction's end, H2 shows this time and draws from this seed. */
    static void begin(SessionLocal session, long timeNs, long seed) {
        CURRENT_TIMESTAMP.set(
                session,
                JSR310Utils.offsetDateTimeToValue(MessageContext.instant(timeNs).atOffset(ZoneOffset.UTC)));
        seed(session, seed);
    }

    /** From here to {@link #end} H2 draws from this seed. */
    public static void seed(SessionLocal session, long seed) {
        session.getRandom().setSeed(seed);
        SEEDED.get().begin(seed);
    }

    /** H2 draws from its own source again. */
    public static void end() {
        SEEDED.get().end();
    }

    /** Gives the database a mode of its own that is the one it has but for time. */
    public static void fixTimeWithinTransactions(Database database) {
        try {
            Mode had = database.getMode();
            Constructor<Mode> constructor = Mode.class.getDeclaredConstructor(Mode.ModeEnum.class);
            constructor.setAccessible(true);
            Mode mode = constructor.newInstance(had.getEnum());
            for (Field field : Mode.class.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isFinal(field.getModifiers())) {
                    field.setAccessible(true);
                    field.set(mode, field.get(had));
                }
            }
            mode.dateTimeValueWithinTransaction = true;
            database.setMode(mode);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this H2 has no mode that can be copied", e);
        }
    }

    /** Bytes from SHA-256 over a seed and a counter, while a message is executed. */
    private static final class SeededBytes {
        private long seed;
        private long counter;
        private boolean isSeeded;

        void begin(long newSeed) {
            seed = newSeed;
            counter = 0;
            isSeeded = true;
        }

        void end() {
            isSeeded = false;
        }

        void fill(byte[] bytes) {
            try {
                MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
                for (int done = 0; done < bytes.length; ) {
                    sha256.update(ByteBuffer.allocate(2 * Long.BYTES)
                            .putLong(seed)
                            .putLong(counter++)
                            .array());
                    byte[] block = sha256.digest();
                    int more = Math.min(block.length, bytes.length - done);
                    System.arraycopy(block, 0, bytes, done, more);
                    done += more;
                }
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java has SHA-256", e);
            }
        }
    }

    /** H2's source of chance: seeded on a lane within a message, as it was anywhere else. */
    private static final class LaneRandom extends SecureRandom {
        private static final long serialVersionUID = 1L;

        LaneRandom(SecureRandom others) {
            super(new Source(others), null);
        }
    }

    private static final class Source extends SecureRandomSpi {
        private static final long serialVersionUID = 1L;

        private final SecureRandom others;

        Source(SecureRandom others) {
            this.others = others;
        }

        @Override
        protected void engineSetSeed(byte[] seed) {
            others.setSeed(seed);
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            SeededBytes seeded = SEEDED.get();
            if (seeded.isSeeded) {
                seeded.fill(bytes);
            } else {
                others.nextBytes(bytes);
            }
        }

        @Override
        protected byte[] engineGenerateSeed(int bytes) {
            return others.generateSeed(bytes);
        }
    }
}
