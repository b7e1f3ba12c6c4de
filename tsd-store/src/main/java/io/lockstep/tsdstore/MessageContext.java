package io.lockstep.tsdstore;

import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Identity;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** One message's view of its transaction: changes collect here, and the store takes them over or drops them. */
final class MessageContext implements TransactionContext {
    static final int STATE_MAX_BYTES = 1 << 20;
    static final int EFFECTS_MAX = 1024;
    private static final int NAME_MAX = 64;
    private static final long NANOS = 1_000_000_000L;

    private final ControlHeader header;
    private final Records records;
    private final Identity session;
    private final long transaction;
    private final boolean isFirst;
    private final boolean isTermination;
    private final List<OutsideEffect> effects = new ArrayList<>(0);
    private TransactionState state;
    private long idleNs;
    private boolean hasEnded;
    private boolean isOver;
    private @Nullable RandomGenerator random;

    MessageContext(
            ControlHeader header,
            Records records,
            Identity session,
            long transaction,
            boolean isFirst,
            boolean isTermination,
            TransactionState state,
            long idleNs) {
        this.header = header;
        this.records = records;
        this.session = session;
        this.transaction = transaction;
        this.isFirst = isFirst;
        this.isTermination = isTermination;
        this.state = state;
        this.idleNs = idleNs;
    }

    /** The message is over: from now on the service's calls are refused. */
    void finish() {
        isOver = true;
    }

    TransactionState state() {
        return state;
    }

    long idleNs() {
        return idleNs;
    }

    boolean hasEnded() {
        return hasEnded;
    }

    List<OutsideEffect> effects() {
        return effects;
    }

    static Instant instant(long timeNs) {
        return Instant.ofEpochSecond(Math.floorDiv(timeNs, NANOS), Math.floorMod(timeNs, NANOS));
    }

    /**
     * Request id of a message in keys for doing things once: the client's, or for an entry that the active ordered by
     * itself minus its position, which no client's id can be.
     */
    static long keyId(ControlHeader header) {
        return header.requestId() > 0 ? header.requestId() : -header.position();
    }

    @Override
    public Identity session() {
        return session;
    }

    @Override
    public long transaction() {
        return transaction;
    }

    @Override
    public long requestId() {
        return keyId(header);
    }

    @Override
    public boolean isFirst() {
        return isFirst;
    }

    @Override
    public boolean isTermination() {
        return isTermination;
    }

    @Override
    public Instant time() {
        return instant(header.timeNs());
    }

    @Override
    public RandomGenerator random() {
        checkOpen();
        if (random == null) {
            random = new SeededRandom(header.seed() ^ transaction);
        }
        return random;
    }

    @Override
    public <T> Optional<T> get(StateKey<T> key) {
        checkOpen();
        byte[] value = state.get(key.name());
        return value == null ? Optional.empty() : Optional.of(key.codec().decode(value.clone()));
    }

    @Override
    public <T> void put(StateKey<T> key, T value) {
        checkOpen();
        checkName("state key", key.name());
        TransactionState changed =
                state.with(key.name(), key.codec().encode(value).clone());
        if (changed.bytes() > STATE_MAX_BYTES) {
            throw new IllegalStateException("a transaction's state is limited to " + STATE_MAX_BYTES + " bytes");
        }
        state = changed;
    }

    @Override
    public void remove(StateKey<?> key) {
        checkOpen();
        state = state.without(key.name());
    }

    @Override
    public Connection records() throws SQLException {
        checkOpen();
        return records.connection();
    }

    @Override
    public void end() {
        checkOpen();
        hasEnded = true;
    }

    @Override
    public void expireAfter(Duration idle) {
        checkOpen();
        if (idle.isNegative() || idle.isZero()) {
            throw new IllegalArgumentException("a transaction expires after more than zero, not " + idle);
        }
        long seconds = Math.min(idle.getSeconds(), Long.MAX_VALUE / NANOS - 1);
        idleNs = seconds * NANOS + idle.getNano();
    }

    @Override
    public void runOutside(OutsideEffect effect) {
        checkOpen();
        checkName("effect", effect.name());
        if (effects.size() == EFFECTS_MAX) {
            throw new IllegalStateException("one message may ask for at most " + EFFECTS_MAX + " effects");
        }
        if (effect.payload().length > STATE_MAX_BYTES) {
            throw new IllegalStateException("an effect's payload is limited to " + STATE_MAX_BYTES + " bytes");
        }
        effects.add(new OutsideEffect(effect.name(), effect.payload().clone(), effect.isAtMostOnce()));
    }

    private void checkOpen() {
        if (isOver) {
            throw new IllegalStateException("this context was for one message, which is over");
        }
    }

    private static void checkName(String what, String name) {
        if (name.isEmpty() || name.length() > NAME_MAX) {
            throw new IllegalArgumentException(what + " needs a name of 1 to " + NAME_MAX + " characters: " + name);
        }
    }
}
