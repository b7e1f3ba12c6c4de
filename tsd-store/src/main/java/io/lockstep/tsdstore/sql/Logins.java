package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.h2.api.ErrorCode;
import org.h2.engine.Constants;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.message.DbException;
import org.h2.util.TimeZoneProvider;

/** The two steps of logging in (SCRAM-SHA-256). Touched only by the lane. */
final class Logins {
    private final SqlConfig config;
    private final SqlDatabase database;
    private final Accounts accounts;

    Logins(SqlConfig config, SqlDatabase database, Accounts accounts) {
        this.config = config;
        this.database = database;
        this.accounts = accounts;
    }

    private byte[] salt(String name) {
        User user = accounts.find(name);
        Scram.Verifier verifier = user == null ? null : Accounts.verifier(user);
        return verifier == null ? accounts.saltOfNobody(name) : verifier.salt();
    }

    /** A message of a session that is not logged in. Afterwards its H2 session is open, or it is where it began. */
    SqlOutcome perform(SqlSession session, SqlAction action, long seed) {
        String user = session.user;
        String nonce = session.nonce;
        if (action instanceof SqlAction.Hello hello) {
            session.user = hello.user();
            session.nonce = hello.nonce()
                    + HexFormat.of().toHexDigits(seed)
                    + HexFormat.of().toHexDigits(session.name.position());
            return new SqlOutcome.Challenge(salt(hello.user()), Scram.ITERATIONS, session.nonce);
        }
        session.user = null;
        session.nonce = null;
        if (!(action instanceof SqlAction.Prove prove) || user == null || nonce == null) {
            return new SqlOutcome.Failed(
                    "28000", ErrorCode.WRONG_USER_OR_PASSWORD, "this session is not logged in", null);
        }
        String said = Scram.said(user, nonce, salt(user), Scram.ITERATIONS);
        User known = accounts.find(user);
        Scram.Verifier verifier = known == null ? null : Accounts.verifier(known);
        if (known == null || verifier == null || !Scram.isProved(verifier, said, prove.proof())) {
            return SqlEngine.failed(DbException.get(ErrorCode.WRONG_USER_OR_PASSWORD));
        }
        SessionLocal opened = database.open(known, session.name);
        try {
            session.defersUpdates = false;
            prove.settings().forEach((name, value) -> set(session, opened, name, value));
        } catch (DbException e) {
            opened.close();
            return SqlEngine.failed(e);
        }
        session.h2 = opened;
        return new SqlOutcome.Welcome(Scram.signature(verifier, said), facts());
    }

    private static void set(SqlSession of, SessionLocal session, String name, String value) {
        switch (name) {
            // Which database it is was decided by who was asked.
            case "database" -> {}
            case "schema" -> session.setCurrentSchemaName(value);
            case "timeZone" -> session.setTimeZone(zone(value));
            case "deferUpdates" -> of.defersUpdates = isTrue(name, value);
            case "lockTimeout" -> session.setLockTimeout(millis(name, value));
            default -> throw DbException.get(ErrorCode.UNSUPPORTED_SETTING_1, name);
        }
    }

    private static TimeZoneProvider zone(String value) {
        try {
            return TimeZoneProvider.ofId(value);
        } catch (RuntimeException e) {
            throw DbException.getInvalidValueException("timeZone", value);
        }
    }

    private static boolean isTrue(String name, String value) {
        return switch (value) {
            case "true" -> true;
            case "false" -> false;
            default -> throw DbException.getInvalidValueException(name, value);
        };
    }

    private static int millis(String name, String value) {
        try {
            int millis = Integer.parseInt(value);
            if (millis >= 0) {
                return millis;
            }
        } catch (NumberFormatException e) {
            throw DbException.get(ErrorCode.INVALID_VALUE_2, e, value, name);
        }
        throw DbException.getInvalidValueException(name, value);
    }

    private Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("version", Constants.FULL_VERSION);
        facts.put("mode", database.database().getMode().getName());
        facts.put("databaseToUpper", Boolean.toString(database.database().getSettings().databaseToUpper));
        facts.put("databaseToLower", Boolean.toString(database.database().getSettings().databaseToLower));
        facts.put(
                "caseInsensitiveIdentifiers",
                Boolean.toString(database.database().getSettings().caseInsensitiveIdentifiers));
        facts.put("openStatementsMax", Integer.toString(config.openStatementsMax()));
        facts.put("statementCharactersMax", Integer.toString(config.statementCharactersMax()));
        return facts;
    }
}
