package io.lockstep.tsdstore.sql;

import io.lockstep.sqlwire.Scram;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.h2.api.ErrorCode;
import org.h2.command.CommandInterface;
import org.h2.command.Prepared;
import org.h2.command.ddl.AlterUser;
import org.h2.command.ddl.CreateUser;
import org.h2.command.ddl.DropUser;
import org.h2.command.ddl.GrantRevoke;
import org.h2.engine.Right;
import org.h2.engine.SessionLocal;
import org.h2.engine.User;
import org.h2.expression.Expression;
import org.h2.expression.ValueExpression;
import org.h2.message.DbException;
import org.h2.util.MathUtils;
import org.h2.util.StringUtils;
import org.h2.value.DataType;
import org.h2.value.Value;
import org.h2.value.ValueVarbinary;
import org.jspecify.annotations.Nullable;

/**
 * Who may log in, and the statements by which the owner says so: users and roles are H2's own, none of them an
 * administrator, and what H2 keeps of a password is a SCRAM verifier in its place. Touched only by the lane.
 *
 * <p>H2 does such statements for its administrators only. So they are parsed as the client's, judged here, and executed by
 * the node's own administrator, on all nodes at the same position. The password's salt is drawn from the header's seed.
 */
final class Accounts {
    private static final int SALT_BYTES = 16;
    private static final int SALT_BYTES_MIN = 8;
    private static final int KEY_BYTES = 32;

    /** Statements that are executed here; {@link #isOurs} says which GRANT and REVOKE are, too. */
    private static final Set<Integer> STATEMENTS = Set.of(
            CommandInterface.CREATE_USER,
            CommandInterface.ALTER_USER_SET_PASSWORD,
            CommandInterface.DROP_USER,
            CommandInterface.CREATE_ROLE,
            CommandInterface.DROP_ROLE);

    private final SqlDatabase database;
    private final ToIntFunction<User> openSessions;

    /** @param openSessions how many sessions of a user are logged in */
    Accounts(SqlDatabase database, ToIntFunction<User> openSessions) {
        this.database = database;
        this.openSessions = openSessions;
    }

    // ---- logging in ------------------------------------------------------------------------------------------------

    /** A user who may log in, as H2's driver would find it: without regard to case. Null when there is none. */
    @Nullable User find(String name) {
        User user = database.database().findUser(name);
        if (user == null) {
            user = database.database().findUser(name.toUpperCase(Locale.ROOT));
        }
        return user == null || user.isAdmin() || verifier(user) == null ? null : user;
    }

    /** What is known of the user's password; null when nothing is, so that nobody can prove it. */
    static Scram.@Nullable Verifier verifier(User user) {
        byte[] salt = H2Fields.saltOf(user);
        byte[] keys = H2Fields.hashOf(user);
        return salt == null || keys == null || keys.length != 2 * KEY_BYTES
                ? null
                : new Scram.Verifier(
                        salt,
                        Scram.ITERATIONS,
                        Arrays.copyOf(keys, KEY_BYTES),
                        Arrays.copyOfRange(keys, KEY_BYTES, 2 * KEY_BYTES));
    }

    /** H2 keeps a salt and a hash, and writes both into what it would create the user from. */
    private static byte[] keys(Scram.Verifier verifier) {
        byte[] keys = Arrays.copyOf(verifier.storedKey(), 2 * KEY_BYTES);
        System.arraycopy(verifier.serverKey(), 0, keys, KEY_BYTES, KEY_BYTES);
        return keys;
    }

    /** The owner's first password, which all nodes are told by their configuration. */
    static void setFirst(User owner, SqlConfig config) {
        Scram.Verifier verifier = first(config);
        owner.setSaltAndHash(verifier.salt(), keys(verifier));
    }

    static Scram.Verifier first(SqlConfig config) {
        byte[] salt = saltOf("lockstep", config.owner());
        return Scram.verifier(config.ownerPassword().toCharArray(), salt, Scram.ITERATIONS);
    }

    /** The salt that a user gets told who is not there: always the same, and nobody can tell. */
    byte[] saltOfNobody(String name) {
        byte[] secret = H2Fields.hashOf(database.owner());
        return saltOf(secret == null ? "" : StringUtils.convertBytesToHex(secret), name);
    }

    private static byte[] saltOf(String secret, String name) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest((secret + ":" + name.toLowerCase(Locale.ROOT)).getBytes(StandardCharsets.UTF_8));
            return Arrays.copyOf(hash, SALT_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    // ---- statements ------------------------------------------------------------------------------------------------

    /** Whether a statement is executed here, and not by H2 with the client's own rights. */
    static boolean isOurs(int type, @Nullable Prepared prepared) {
        return STATEMENTS.contains(type)
                || (prepared instanceof GrantRevoke grant
                        && (H2Fields.rolesOf(grant) != null
                                || (H2Fields.rightsOf(grant) & Right.ALTER_ANY_SCHEMA) != 0));
    }

    /** Whether a statement has a password in its text. */
    static boolean hasPasswordInText(@Nullable Prepared prepared) {
        return passwordOf(prepared) instanceof ValueExpression;
    }

    private static @Nullable Expression passwordOf(@Nullable Prepared prepared) {
        return prepared instanceof CreateUser create
                ? H2Fields.passwordOf(create)
                : prepared instanceof AlterUser alter ? H2Fields.passwordOf(alter) : null;
    }

    /**
     * Executes a statement for which {@link #isOurs} holds; the session's transaction has been committed.
     *
     * @param prepared as the client's session has it, with its parameters
     * @throws DbException it is refused, or fails
     */
    void execute(SqlSession session, String sql, Prepared prepared) {
        SessionLocal clients = session.h2();
        User user = clients.getUser();
        boolean isOwnPassword =
                prepared instanceof AlterUser alter && H2Fields.userOf(alter).equals(user);
        if (!user.equals(database.owner()) && !isOwnPassword) {
            throw DbException.get(ErrorCode.ADMIN_RIGHTS_REQUIRED);
        }
        judge(prepared);
        Scram.Verifier verifier =
                prepared instanceof CreateUser || prepared instanceof AlterUser ? newVerifier(clients, prepared) : null;
        database.administer(clients, sql, own -> {
            if (verifier != null) {
                Expression salt = ValueExpression.get(ValueVarbinary.get(verifier.salt()));
                Expression keys = ValueExpression.get(ValueVarbinary.get(keys(verifier)));
                if (own instanceof CreateUser create) {
                    create.setSalt(salt);
                    create.setHash(keys);
                } else if (own instanceof AlterUser alter && prepared instanceof AlterUser clientsOwn) {
                    // SET PASSWORD is about whoever says it, which is not the administrator.
                    alter.setUser(H2Fields.userOf(clientsOwn));
                    alter.setSalt(salt);
                    alter.setHash(keys);
                }
            }
            own.update();
        });
    }

    private void judge(Prepared prepared) {
        if (prepared instanceof AlterUser alter && H2Fields.userOf(alter).isAdmin()) {
            throw SqlErrors.refused("ALTER USER: this user is the node's own");
        }
        if (prepared instanceof DropUser drop) {
            User dropped = database.database().findUser(H2Fields.nameOf(drop));
            if (dropped != null && (dropped.equals(database.owner()) || dropped.isAdmin())) {
                throw SqlErrors.refused("DROP USER: the owner of a database stays");
            }
            int sessions = dropped == null ? 0 : openSessions.applyAsInt(dropped);
            if (dropped != null && sessions > 0) {
                throw DbException.get(
                        ErrorCode.CANNOT_DROP_2,
                        dropped.getName(),
                        sessions + (sessions == 1 ? " open session" : " open sessions"));
            }
        }
        if (prepared instanceof GrantRevoke grant
                && prepared.getType() == CommandInterface.REVOKE
                && H2Fields.rolesOf(grant) == null
                && database.owner().equals(H2Fields.granteeOf(grant))) {
            throw SqlErrors.refused("REVOKE ALTER ANY SCHEMA: it is what makes a user the owner");
        }
    }

    /** Of a new password; its salt is the message's own chance. Or what the client has computed itself. */
    private static Scram.Verifier newVerifier(SessionLocal clients, Prepared prepared) {
        Expression salt =
                prepared instanceof CreateUser create ? H2Fields.saltOf(create) : H2Fields.saltOf((AlterUser) prepared);
        Expression hash =
                prepared instanceof CreateUser create ? H2Fields.hashOf(create) : H2Fields.hashOf((AlterUser) prepared);
        if (salt != null && hash != null) {
            byte[] salted = bytes(clients, salt);
            byte[] keys = bytes(clients, hash);
            if (salted.length < SALT_BYTES_MIN || keys.length != 2 * KEY_BYTES) {
                throw SqlErrors.refused("SALT and HASH other than a salt of " + SALT_BYTES_MIN
                        + " bytes or more, and the stored key and the server key of SCRAM-SHA-256 with "
                        + Scram.ITERATIONS + " iterations");
            }
            return new Scram.Verifier(
                    salted,
                    Scram.ITERATIONS,
                    Arrays.copyOf(keys, KEY_BYTES),
                    Arrays.copyOfRange(keys, KEY_BYTES, 2 * KEY_BYTES));
        }
        Expression password = passwordOf(prepared);
        String text = password == null
                ? null
                : password.optimize(clients).getValue(clients).getString();
        if (text == null || text.isEmpty()) {
            throw SqlErrors.refused("an empty password");
        }
        return Scram.verifier(text.toCharArray(), MathUtils.secureRandomBytes(SALT_BYTES), Scram.ITERATIONS);
    }

    private static byte[] bytes(SessionLocal clients, Expression of) {
        Value value = of.optimize(clients).getValue(clients);
        String text = DataType.isBinaryStringType(value.getValueType()) ? null : value.getString();
        byte[] bytes = text == null ? value.getBytes() : StringUtils.convertHexToBytes(text);
        return bytes == null ? new byte[0] : bytes;
    }

    // ---- copies ----------------------------------------------------------------------------------------------------

    /** A user that every node makes for itself gets the password that it has where the copy was made. */
    static void adopt(SessionLocal administrator, Prepared prepared, User user) {
        if (prepared instanceof CreateUser create) {
            Expression salt = H2Fields.saltOf(create);
            Expression hash = H2Fields.hashOf(create);
            if (salt != null && hash != null) {
                user.setSaltAndHash(bytes(administrator, salt), bytes(administrator, hash));
                administrator.getDatabase().updateMeta(administrator, user);
            }
        }
    }
}
