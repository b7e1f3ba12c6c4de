package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlOutcome;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.sqlwire.SqlRequest;
import io.lockstep.wire.Identity;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.h2.command.CommandInterface;
import org.h2.constraint.Constraint;
import org.h2.constraint.ConstraintReferential;
import org.h2.message.DbException;
import org.h2.schema.Schema;
import org.h2.util.ScriptReader;
import org.h2.value.Value;

/**
 * Judges the statements of scripts before anybody runs them: as the owner's session of an engine of its own, empty at
 * first, to which the definitions in the scripts are applied. Touched by one thread. It is the engine that judges, so it
 * refuses what a node refuses.
 */
public final class StatementCheck implements AutoCloseable {
    /** Time, seed and nonce of this session; nobody compares them with others. */
    private static final long TIME_NS = 1_700_000_000_000_000_000L;

    private static final String NONCE = "0123456789abcdefghijklmn";
    /** Nothing is kept under it. */
    private static final int NUMBER = 0;

    private static final int TEXT_CHARACTERS_MAX = 120;

    /** Statements that are judged and not executed: their effect on rows, or on a transaction, changes no judgement. */
    private static final Set<Integer> WITHOUT_DEFINITIONS = Set.of(
            CommandInterface.CALL,
            CommandInterface.DELETE,
            CommandInterface.EXPLAIN,
            CommandInterface.INSERT,
            CommandInterface.MERGE,
            CommandInterface.SELECT,
            CommandInterface.UPDATE,
            CommandInterface.TRUNCATE_TABLE,
            CommandInterface.ANALYZE,
            CommandInterface.BEGIN,
            CommandInterface.COMMIT,
            CommandInterface.ROLLBACK,
            CommandInterface.SAVEPOINT,
            CommandInterface.ROLLBACK_TO_SAVEPOINT,
            CommandInterface.SET_AUTOCOMMIT_FALSE,
            CommandInterface.SET_AUTOCOMMIT_TRUE,
            CommandInterface.NO_OPERATION);

    /** What becomes of a statement. */
    public enum Verdict {
        /** It is executed, and equal on all nodes. */
        PROTECTED,
        /** No database with Lockstep executes it. */
        REFUSED,
        /** It does not parse, or its definition cannot be made: nothing can be said of it. */
        INVALID
    }

    /**
     * What was found out about one statement.
     *
     * @param line of its first word, from 1
     * @param statement its beginning, on one line
     * @param reason why it is not protected; empty when it is
     * @param weaknesses what H2 does wrong with it, on all nodes alike
     */
    public record Finding(int line, String statement, Verdict verdict, String reason, List<String> weaknesses) {
        public Finding {
            weaknesses = List.copyOf(weaknesses);
        }
    }

    private final SqlEngine engine;
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);
    private final Identity session = new Identity(1, 1);
    /** Foreign keys that are there already, by their names. */
    private Set<String> foreignKeys = Set.of();

    private long requestId;

    /** @param config as of the nodes that the statements are for */
    public StatementCheck(SqlConfig config) {
        engine = new SqlEngine(config);
        if (!(say(new SqlAction.Hello(config.owner(), NONCE)) instanceof SqlOutcome.Challenge challenge)) {
            throw new IllegalStateException("an engine without a challenge");
        }
        String said = Scram.said(config.owner(), challenge.nonce(), challenge.salt(), challenge.iterations());
        byte[] proof =
                Scram.proof(config.ownerPassword().toCharArray(), challenge.salt(), challenge.iterations(), said);
        if (!(say(new SqlAction.Prove(proof, Map.of())) instanceof SqlOutcome.Welcome)) {
            throw new IllegalStateException("an engine that does not know its owner");
        }
    }

    /**
     * Judges one script, after those before it.
     *
     * @param script statements with semicolons between; comments, quotes and dollar quotes as H2 has them
     * @param findings called for each statement, in order
     * @throws IllegalArgumentException it cannot be read
     */
    public void check(Reader script, Consumer<Finding> findings) {
        // A line break counts when it has been read; the reader hands over whole statements with what is before them.
        int line = 1;
        ScriptReader reader = new ScriptReader(script);
        reader.setSkipRemarks(false);
        for (String text = read(reader); text != null; text = read(reader)) {
            int start = StatementPolicy.startOf(engine.administrator(), text);
            if (start >= 0) {
                findings.accept(judge(line + breaks(text.substring(0, start)), text.substring(start)));
            }
            line += breaks(text);
        }
    }

    private static String read(ScriptReader reader) {
        try {
            return reader.readStatement();
        } catch (DbException e) {
            throw new IllegalArgumentException("it cannot be read: " + e.getMessage(), e);
        }
    }

    private static int breaks(String text) {
        return (int) text.chars().filter(each -> each == '\n').count();
    }

    private Finding judge(int line, String sql) {
        SqlOutcome outcome = say(new SqlAction.Prepare(NUMBER, sql));
        if (outcome instanceof SqlOutcome.Prepared prepared
                && !prepared.isQuery()
                && !WITHOUT_DEFINITIONS.contains(prepared.commandType())) {
            outcome = say(new SqlAction.Execute(NUMBER, sql, new Value[0], GeneratedKeys.NONE, 0, 0, 0, 0, false));
        }
        if (outcome instanceof SqlOutcome.Failed failed) {
            return Refusals.isRefusal(failed)
                    ? new Finding(line, shortened(sql), Verdict.REFUSED, Refusals.reasonOf(failed), List.of())
                    : new Finding(line, shortened(sql), Verdict.INVALID, failed.message(), List.of());
        }
        return new Finding(line, shortened(sql), Verdict.PROTECTED, "", newWeaknesses());
    }

    /** A child row does not lock its parent (H2): each foreign key is told with the statement that makes it. */
    private List<String> newWeaknesses() {
        Map<String, String> now = new TreeMap<>();
        for (Schema schema : SqlSnapshot.userSchemas(engine.administrator().getDatabase())) {
            for (Constraint each : schema.getAllConstraints()) {
                if (each instanceof ConstraintReferential) {
                    String child = each.getTable().getName();
                    now.put(
                            schema.getName() + '.' + child + '.' + each.getName(),
                            "foreign key from " + child + " to "
                                    + each.getRefTable().getName()
                                    + ": H2 does not look at what other open transactions do with the parent row, so a"
                                    + " row of " + child + " can outlive its parent; the same on all nodes. Lock the"
                                    + " parent with SELECT … FOR UPDATE where that matters");
                }
            }
        }
        List<String> found = new ArrayList<>();
        now.forEach((key, text) -> {
            if (!foreignKeys.contains(key)) {
                found.add(text);
            }
        });
        foreignKeys = now.keySet();
        return found;
    }

    private static String shortened(String sql) {
        String line = Secrets.hidden(sql).strip().replaceAll("\\s+", " ");
        return line.length() <= TEXT_CHARACTERS_MAX ? line : line.substring(0, TEXT_CHARACTERS_MAX) + "…";
    }

    private SqlOutcome say(SqlAction action) {
        byte[] body = codec.encode(SqlRequest.of(true, action));
        SqlStep step = engine.execute(session, ++requestId, body, TIME_NS + requestId, requestId);
        if (!(step instanceof SqlStep.Answered answered)) {
            throw new IllegalStateException("the only session waits for nobody: " + step);
        }
        try {
            return codec.decodeReply(answered.reply()).outcome();
        } catch (SqlProtocolException e) {
            throw new IllegalStateException("the engine's answer cannot be read", e);
        }
    }

    @Override
    public void close() {
        engine.close();
    }
}
