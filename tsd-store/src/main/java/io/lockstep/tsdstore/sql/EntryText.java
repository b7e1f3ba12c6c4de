package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.LobReferences;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlCodec;
import io.lockstep.sqlwire.SqlProtocolException;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.RequestKind;
import java.util.Arrays;

/**
 * Names an entry's message for people: its statement without passwords, or how long its body is, which is
 * the service's own affair. Safe from any thread, because nothing is kept.
 */
public final class EntryText {
    private static final int TEXT_MAX = 500;

    private EntryText() {}

    /** The message, of which session and request, and its statement where it has one. */
    public static String of(Entry entry) {
        String name =
                entry + " of " + entry.header().session() + "#" + entry.header().requestId();
        byte[] body = entry.body();
        if (entry.header().kind() == RequestKind.SQL && entry.decision() == Decision.EXECUTE) {
            return name + ", " + cut(Secrets.hidden(statement(body)));
        }
        return body.length == 0 ? name : name + ", " + body.length + " bytes";
    }

    private static String statement(byte[] body) {
        SqlAction action;
        try {
            action = new SqlCodec(LobReferences.INLINE).decodeRequest(body).action();
        } catch (SqlProtocolException | RuntimeException e) {
            return "a message with large objects, or none that can be read";
        }
        if (action instanceof SqlAction.Execute execute) {
            String sql = execute.sql();
            String what = sql == null ? "prepared statement " + execute.statement() : sql;
            return execute.parameters().length == 0 ? what : what + " with " + Arrays.toString(execute.parameters());
        }
        return action instanceof SqlAction.Prepare prepare
                ? "prepare " + prepare.sql()
                : action.getClass().getSimpleName();
    }

    private static String cut(String text) {
        return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX) + "...";
    }
}
