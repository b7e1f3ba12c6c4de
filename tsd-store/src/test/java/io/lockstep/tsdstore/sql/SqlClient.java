package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlReply;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Identity;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import org.h2.value.Value;
import org.h2.value.ValueBlob;
import org.h2.value.ValueClob;
import org.h2.value.ValueInteger;
import org.h2.value.ValueLob;
import org.h2.value.ValueVarchar;
import org.h2.value.lob.LobData;
import org.h2.value.lob.LobDataFetchOnDemand;
import org.jspecify.annotations.Nullable;

/** One client of an engine in the same process: what a driver says, without a network. Used by one thread. */
final class SqlClient {
    private static final Map<String, byte[]> SALTED = new ConcurrentHashMap<>();

    private final SqlEngine engine;
    final Identity name;
    private final LongSupplier clockNs;
    private final SqlCodec codec = new SqlCodec(new Names());
    private long requestId;
    private long seed;
    boolean isAutoCommit = true;
    private boolean defersUpdates;

    @Nullable SqlReply last;

    byte[] lastBytes = new byte[0];
    /** Of the latest message that was cut off. */
    byte[] remains = new byte[0];

    SqlClient(SqlEngine engine, long name, LongSupplier clockNs) {
        this.engine = engine;
        this.name = new Identity(1, name);
        this.clockNs = clockNs;
    }

    /** Logs in as the owner. */
    SqlClient open() {
        logIn("app", "app");
        return this;
    }

    /** Logs in as the owner, and defers updates. */
    SqlClient openDeferring() {
        return deferring().open();
    }

    /** Its login will say that updates may be deferred. */
    SqlClient deferring() {
        defersUpdates = true;
        return this;
    }

    /** Tries to log in. */
    @Nullable SqlOutcome logIn(String user, String password) {
        if (!(say(new SqlAction.Hello(user, "0123456789abcdefghijklmn")) instanceof SqlOutcome.Challenge challenge)) {
            throw new AssertionError("no challenge");
        }
        return prove(challenge, user, password);
    }

    /** The second step of logging in, as the owner. */
    @Nullable SqlOutcome prove(SqlOutcome.Challenge challenge) {
        return prove(challenge, "app", "app");
    }

    private @Nullable SqlOutcome prove(SqlOutcome.Challenge challenge, String user, String password) {
        String said = Scram.said(user, challenge.nonce(), challenge.salt(), challenge.iterations());
        byte[] proof = proof(challenge, said, password);
        return say(
                new SqlAction.Prove(proof, Map.of("timeZone", "UTC", "deferUpdates", Boolean.toString(defersUpdates))));
    }

    /** The same client at another node, where it says next what it would say next here. */
    SqlClient at(SqlEngine other) {
        SqlClient there = new SqlClient(other, name.position(), clockNs);
        there.requestId = requestId;
        there.seed = seed;
        there.isAutoCommit = isAutoCommit;
        there.last = last;
        there.lastBytes = lastBytes;
        return there;
    }

    /** As {@link Scram#proof}; but the slow part is done once for all clients. */
    private static byte[] proof(SqlOutcome.Challenge challenge, String said, String password) {
        try {
            String known = password + '\n' + new String(challenge.salt(), StandardCharsets.ISO_8859_1);
            byte[] salted = SALTED.computeIfAbsent(known, none -> {
                PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), challenge.salt(), challenge.iterations(), 256);
                try {
                    return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                            .generateSecret(spec)
                            .getEncoded();
                } catch (GeneralSecurityException e) {
                    throw new AssertionError(e);
                }
            });
            byte[] key = hmac(salted, "Client Key");
            byte[] mask = hmac(MessageDigest.getInstance("SHA-256").digest(key), said);
            for (int i = 0; i < key.length; i++) {
                key[i] ^= mask[i];
            }
            return key;
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A message's outcome; null while it waits. */
    @Nullable SqlOutcome say(SqlAction action) {
        return say(SqlRequest.of(isAutoCommit, action));
    }

    @Nullable SqlOutcome say(SqlRequest request) {
        return taken(engine.execute(name, ++requestId, codec.encode(request), clockNs.getAsLong(), nextSeed()));
    }

    /** Says what was cut off at another node, which does not execute that. */
    @Nullable SqlOutcome sayCut(SqlAction action, byte[] left) {
        byte[] body = codec.encode(SqlRequest.of(isAutoCommit, action));
        return taken(engine.executeCut(name, ++requestId, body, clockNs.getAsLong(), nextSeed(), left));
    }

    @Nullable SqlOutcome retryCut(byte[] left) {
        return taken(engine.retryCut(name, clockNs.getAsLong(), nextSeed(), left));
    }

    long nextRequestId() {
        return requestId + 1;
    }

    @Nullable SqlOutcome retry() {
        return taken(engine.retry(name, clockNs.getAsLong(), nextSeed()));
    }

    SqlOutcome giveUp(GiveUp reason) {
        return decoded(engine.giveUp(name, reason));
    }

    SqlOutcome read(SqlAction action) {
        return decoded(engine.read(name, requestId + 1, codec.encode(SqlRequest.of(isAutoCommit, action))));
    }

    /** A look-up by key on the lane; null when it is left to another thread. */
    @Nullable SqlOutcome readKey(SqlAction action) {
        byte[] reply = engine.readKey(name, false, codec.encode(SqlRequest.of(isAutoCommit, action)));
        return reply == null ? null : decoded(reply);
    }

    /** Whether it takes little time for certain to say this now; then the session is held. */
    boolean holdsIfBrief(SqlAction action) {
        return engine.holdIfBrief(name, codec.encode(SqlRequest.of(isAutoCommit, action)));
    }

    /** Whether to read this now takes little time for certain. */
    boolean isBriefRead(SqlAction action) {
        return engine.readKey(name, true, codec.encode(SqlRequest.of(isAutoCommit, action))) != null;
    }

    /** Whether it takes little time for certain to say this now. */
    boolean isBrief(SqlAction action) {
        boolean isHeld = holdsIfBrief(action);
        if (isHeld) {
            engine.letGo(name);
        }
        return isHeld;
    }

    private long nextSeed() {
        return (name.position() << 32) + ++seed;
    }

    private @Nullable SqlOutcome taken(SqlStep step) {
        if (step instanceof SqlStep.Answered answered) {
            return decoded(answered.reply());
        }
        if (step instanceof SqlStep.Cancelled cancelled) {
            decoded(cancelled.reply());
            return decoded(cancelled.cancelledReply());
        }
        if (step instanceof SqlStep.CutOff cut) {
            remains = cut.remains();
            return decoded(cut.reply());
        }
        lastBytes = new byte[0];
        return null;
    }

    private SqlOutcome decoded(byte[] reply) {
        lastBytes = reply;
        try {
            SqlReply decoded = codec.decodeReply(reply);
            last = decoded;
            isAutoCommit = decoded.isAutoCommit();
            return decoded.outcome();
        } catch (SqlProtocolException e) {
            throw new AssertionError(e);
        }
    }

    // ---- short forms -----------------------------------------------------------------------------------------------

    static SqlAction.Execute statement(String sql, Object... parameters) {
        return new SqlAction.Execute(0, sql, values(parameters), GeneratedKeys.NONE, 0, 0, 0, 0, false);
    }

    static Value[] values(Object... parameters) {
        Value[] values = new Value[parameters.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = parameters[i] instanceof Integer number
                    ? ValueInteger.get(number)
                    : ValueVarchar.get(parameters[i].toString());
        }
        return values;
    }

    SqlClient manual() {
        isAutoCommit = false;
        return this;
    }

    /** Executes, and says what came of it: a count, rows, an error code, or that it waits. */
    String run(String sql, Object... parameters) {
        return text(say(statement(sql, parameters)));
    }

    /** As {@link #run}, of a statement that is prepared under this number, anew each time. */
    String prepared(int number, String sql, Object... parameters) {
        return text(say(new SqlAction.Execute(number, sql, values(parameters), GeneratedKeys.NONE, 0, 0, 0, 0, false)));
    }

    /** As {@link #run}, of a statement that was prepared before. */
    String again(int number, Object... parameters) {
        return text(
                say(new SqlAction.Execute(number, null, values(parameters), GeneratedKeys.NONE, 0, 0, 0, 0, false)));
    }

    String commit() {
        return text(say(new SqlAction.End(true)));
    }

    String rollback() {
        return text(say(new SqlAction.End(false)));
    }

    static String text(@Nullable SqlOutcome outcome) {
        if (outcome == null) {
            return "waits";
        }
        if (outcome instanceof SqlOutcome.Failed failed) {
            return "error " + failed.code();
        }
        if (outcome instanceof SqlOutcome.Updated updated) {
            return updated.count() + (updated.keys() == null ? "" : " keys " + rows(updated.keys()));
        }
        if (outcome instanceof SqlOutcome.Rows rows) {
            return rows(rows);
        }
        if (outcome instanceof SqlOutcome.Batched batched) {
            StringBuilder counts = new StringBuilder("batch");
            for (long count : batched.counts()) {
                counts.append(' ').append(count);
            }
            return counts.toString();
        }
        return outcome.getClass().getSimpleName();
    }

    private static String rows(SqlOutcome.Rows rows) {
        List<String> texts = new ArrayList<>();
        for (Value[] row : rows.rows()) {
            List<String> values = new ArrayList<>();
            for (Value value : row) {
                values.add(value.getString());
            }
            texts.add(String.join(",", values));
        }
        return String.join(" ", texts);
    }

    /** What the other side knows by this name. */
    static LobData named(long name) {
        return new LobDataFetchOnDemand(null, 0, name, new byte[0]);
    }

    /** The name under which a value's content can be asked for. */
    static long nameOf(Value value) {
        return ((LobDataFetchOnDemand) ((ValueLob) value).getLobData()).getLobId();
    }

    private static final class Names implements LobReferences {
        @Override
        public long nameOf(ValueLob lob) {
            return lob.getLobData() instanceof LobDataFetchOnDemand named ? named.getLobId() : 0;
        }

        @Override
        public ValueLob find(long name, int valueType, long bytes, long characters) {
            LobData data = named(name);
            return valueType == Value.BLOB ? new ValueBlob(data, bytes) : new ValueClob(data, bytes, characters);
        }
    }
}
