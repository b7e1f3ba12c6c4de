package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.sqlwire.GeneratedKeys;
import io.lockstep.sqlwire.Scram;
import io.lockstep.sqlwire.SqlAction;
import io.lockstep.sqlwire.SqlOutcome;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Users and roles, as the owner makes them: what they may, on which node they are, and what is kept of a password. */
class AccountsTest {
    private static final String WRONG = "error 28000";
    private static final String NO_RIGHT = "error 90096";
    private static final String NOT_THE_OWNER = "error 90040";

    private final SqlEngine engine = new SqlEngine(SqlConfig.DEFAULT);
    private long nowNs = 1_700_000_000_000_000_000L;
    private int clients = 1;
    private final SqlClient owner = new SqlClient(engine, 1, () -> nowNs += 1_000_000).open();

    @BeforeEach
    void table() {
        owner.run("create table t(id int primary key, v varchar)");
        owner.run("insert into t values(1, 'one')");
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private SqlClient client(SqlEngine of) {
        return new SqlClient(of, ++clients, () -> nowNs += 1_000_000);
    }

    private static byte[] items(SqlEngine of) {
        return EngineCopyTest.items(of.snapshot());
    }

    private SqlClient bob() {
        SqlClient bob = client(engine);
        assertThat(bob.logIn("bob", "secret")).isInstanceOf(SqlOutcome.Welcome.class);
        return bob;
    }

    private String login(SqlEngine of, String user, String password) {
        return SqlClient.text(client(of).logIn(user, password));
    }

    @Test
    void aUserLogsInWithItsPasswordAndNoOther() {
        assertThat(owner.run("create user bob password 'secret'")).isEqualTo("0");
        assertThat(login(engine, "bob", "secret")).isEqualTo("Welcome");
        assertThat(login(engine, "BOB", "secret")).isEqualTo("Welcome");
        assertThat(login(engine, "bob", "Secret")).isEqualTo(WRONG);
        assertThat(login(engine, "alice", "secret")).isEqualTo(WRONG);
        assertThat(login(engine, "lockstep", "")).isEqualTo(WRONG);
        assertThat(owner.run("create user bob password 'x'")).isEqualTo("error 90033");
        assertThat(owner.run("create user if not exists bob password 'x'")).isEqualTo("0");
        assertThat(login(engine, "bob", "secret")).isEqualTo("Welcome");
    }

    @Test
    void whoIsNotThereGetsASaltThatStaysTheSame() {
        SqlOutcome.Challenge first = (SqlOutcome.Challenge) client(engine).say(new SqlAction.Hello("nobody", "n1"));
        SqlOutcome.Challenge second = (SqlOutcome.Challenge) client(engine).say(new SqlAction.Hello("nobody", "n2"));
        assertThat(first).isNotNull();
        assertThat(second).isNotNull();
        assertThat(first.salt()).isEqualTo(second.salt()).hasSize(16);
    }

    @Test
    void h2ItselfChecksAUsersRightsBesideTheLaneToo() {
        owner.run("create user bob password 'secret'");
        SqlClient bob = bob();
        String query = "select v from t";
        assertThat(bob.run(query)).isEqualTo(NO_RIGHT);
        assertThat(bob.read(SqlClient.statement(query))).isInstanceOf(SqlOutcome.NotARead.class);
        assertThat(bob.run("insert into t values(2, 'two')")).isEqualTo(NO_RIGHT);
        assertThat(bob.run("create table mine(id int)")).isEqualTo(NO_RIGHT);

        assertThat(owner.run("grant select on t to bob")).isEqualTo("0");
        assertThat(bob.run(query)).isEqualTo("one");
        assertThat(SqlClient.text(bob.read(SqlClient.statement(query)))).isEqualTo("one");
        assertThat(bob.run("update t set v = 'x'")).isEqualTo(NO_RIGHT);

        assertThat(owner.run("revoke select on t from bob")).isEqualTo("0");
        assertThat(bob.read(SqlClient.statement(query))).isInstanceOf(SqlOutcome.NotARead.class);
        assertThat(bob.run(query)).isEqualTo(NO_RIGHT);
    }

    @Test
    void aPreparedStatementLosesItsRightToo() {
        owner.run("create user bob password 'secret'");
        owner.run("grant select on t to bob");
        SqlClient bob = bob();
        bob.say(new SqlAction.Prepare(1, "select v from t"));
        SqlAction.Execute execute =
                new SqlAction.Execute(1, null, SqlClient.values(), GeneratedKeys.NONE, 0, 0, 0, 0, false);
        assertThat(SqlClient.text(bob.say(execute))).isEqualTo("one");
        owner.run("revoke select on t from bob");
        assertThat(SqlClient.text(bob.say(execute))).isEqualTo(NO_RIGHT);
    }

    @Test
    void rolesCarryRights() {
        owner.run("create user bob password 'secret'");
        assertThat(owner.run("create role clerk")).isEqualTo("0");
        assertThat(owner.run("grant select, insert on t to clerk")).isEqualTo("0");
        assertThat(owner.run("grant clerk to bob")).isEqualTo("0");
        SqlClient bob = bob();
        assertThat(bob.run("insert into t values(2, 'two')")).isEqualTo("1");
        assertThat(owner.run("revoke clerk from bob")).isEqualTo("0");
        assertThat(bob.run("insert into t values(3, 'three')")).isEqualTo(NO_RIGHT);
        assertThat(owner.run("drop role clerk")).isEqualTo("0");
    }

    @Test
    void whoMayAlterAnySchemaMayDefineButNotManageUsers() {
        owner.run("create user bob password 'secret'");
        assertThat(owner.run("grant alter any schema to bob")).isEqualTo("0");
        SqlClient bob = bob();
        assertThat(bob.run("create table mine(id int)")).isEqualTo("0");
        assertThat(bob.run("create user eve password 'x'")).isEqualTo(NOT_THE_OWNER);
        assertThat(bob.run("grant alter any schema to bob")).isEqualTo(NOT_THE_OWNER);
        assertThat(bob.run("alter user app set password 'x'")).isEqualTo(NOT_THE_OWNER);
        assertThat(bob.run("drop user bob")).isEqualTo(NOT_THE_OWNER);
        assertThat(bob.run("drop all objects")).isEqualTo(NOT_THE_OWNER);
        assertThat(bob.run("analyze")).isEqualTo(NOT_THE_OWNER);
        assertThat(owner.run("revoke alter any schema from bob")).isEqualTo("0");
        assertThat(bob.run("create table more(id int)")).isEqualTo(NO_RIGHT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create user eve password 'x'",
                "create role r",
                "drop role clerk",
                "grant clerk to bob",
                "revoke clerk from eve",
                "grant alter any schema to bob",
                "drop user eve",
                "alter user eve set password 'x'",
                "drop all objects",
                "analyze"
            })
    void onlyTheOwnerManages(String sql) {
        owner.run("create user bob password 'secret'");
        owner.run("create user eve password 'eve'");
        owner.run("create role clerk");
        assertThat(bob().run(sql)).isEqualTo(NOT_THE_OWNER);
        assertThat(login(engine, "eve", "eve")).isEqualTo("Welcome");
    }

    @Test
    void aUserChangesItsOwnPasswordAndTheOwnerAnyones() {
        owner.run("create user bob password 'secret'");
        SqlClient bob = bob();
        assertThat(bob.run("alter user bob set password 'mine'")).isEqualTo("0");
        assertThat(login(engine, "bob", "secret")).isEqualTo(WRONG);
        assertThat(login(engine, "bob", "mine")).isEqualTo("Welcome");
        assertThat(bob.run("set password 'again'")).isEqualTo("0");
        assertThat(login(engine, "bob", "again")).isEqualTo("Welcome");
        assertThat(owner.run("alter user bob set password ?", "from a parameter"))
                .isEqualTo("0");
        assertThat(login(engine, "bob", "from a parameter")).isEqualTo("Welcome");
        assertThat(owner.run("alter user app set password 'other'")).isEqualTo("0");
        assertThat(login(engine, "app", "app")).isEqualTo(WRONG);
        assertThat(login(engine, "app", "other")).isEqualTo("Welcome");
    }

    @Test
    void aVerifierCanBeGivenInThePlaceOfAPassword() {
        byte[] salt = "sixteen bytes ok".getBytes(StandardCharsets.US_ASCII);
        Scram.Verifier verifier = Scram.verifier("secret".toCharArray(), salt, Scram.ITERATIONS);
        HexFormat hex = HexFormat.of();
        assertThat(owner.run("create user bob salt '" + hex.formatHex(salt) + "' hash '"
                        + hex.formatHex(verifier.storedKey()) + hex.formatHex(verifier.serverKey()) + "'"))
                .isEqualTo("0");
        assertThat(login(engine, "bob", "secret")).isEqualTo("Welcome");
    }

    @Test
    void aUserIsNotDroppedWhileItIsLoggedIn() {
        owner.run("create user bob password 'secret'");
        owner.run("grant select on t to bob");
        SqlClient bob = bob();
        SqlOutcome.Failed failed = (SqlOutcome.Failed) owner.say(SqlClient.statement("drop user bob"));
        assertThat(failed).isNotNull();
        assertThat(failed.code()).isEqualTo(90107);
        assertThat(failed.message()).contains("BOB").contains("1 open session");
        assertThat(bob.run("select v from t")).isEqualTo("one");
        engine.close(bob.name);
        assertThat(owner.run("drop user bob")).isEqualTo("0");
        assertThat(login(engine, "bob", "secret")).isEqualTo(WRONG);
        assertThat(owner.run("create user bob password 'secret'")).isEqualTo("0");
        assertThat(bob().run("select v from t")).isEqualTo(NO_RIGHT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create user app password 'hush-hush'",
                "create user bob password 'hush-hush",
                "create user bob pasword 'hush-hush'",
                "alter /* a comment */ user nobody set password 'hush-hush'",
                "alter user bob set 'hush-hush'",
                "set password 'hush-hush' now",
                "create user bob password 'hush-hush' || 'hush-hush'"
            })
    void noErrorTellsAPassword(String sql) {
        SqlOutcome.Failed failed = (SqlOutcome.Failed) owner.say(SqlClient.statement(sql));
        assertThat(failed).isNotNull();
        assertThat(failed.message() + failed.sql()).doesNotContain("hush");
        assertThat(engine.refusals().counted().toString()).doesNotContain("hush");
    }

    @Test
    void noPasswordIsKept() {
        owner.run("create user bob password 'hush-hush'");
        owner.run("alter user app set password 'hush-hush'");
        assertThat(SqlClient.text(owner.say(new SqlAction.Prepare(1, "create user eve password 'hush-hush'"))))
                .isEqualTo("error 50100");
        byte[] copy = items(engine);
        assertThat(new String(copy, StandardCharsets.ISO_8859_1)).doesNotContain("hush");
    }

    @Test
    void aCopyHasUsersRolesPasswordsAndTheirSessions() {
        owner.run("create user bob password 'secret'");
        owner.run("create role clerk");
        owner.run("grant select on t to clerk");
        owner.run("grant clerk to bob");
        owner.run("alter user app set password 'other'");
        SqlClient bob = bob().manual();
        bob.run("select v from t");
        engine.replan();
        try (SqlEngine copy = new SqlEngine(SqlConfig.DEFAULT)) {
            EngineCopyTest.install(items(engine), copy);
            Items.assertSame("copied", items(copy), items(engine));
            SqlClient there = bob.at(copy);
            assertThat(there.run("select v from t")).isEqualTo("one");
            assertThat(there.run("insert into t values(2, 'two')")).isEqualTo(NO_RIGHT);
            assertThat(login(copy, "bob", "secret")).isEqualTo("Welcome");
            assertThat(login(copy, "app", "other")).isEqualTo("Welcome");
            assertThat(login(copy, "app", "app")).isEqualTo(WRONG);
            assertThat(owner.at(copy).run("create user eve password 'x'")).isEqualTo("0");
        }
    }

    @Test
    void twoNodesKeepTheSame() {
        try (SqlEngine second = new SqlEngine(SqlConfig.DEFAULT)) {
            long[] clock = {nowNs};
            SqlClient first = new SqlClient(engine, 50, () -> clock[0]).open();
            SqlClient other = new SqlClient(second, 50, () -> clock[0]).open();
            other.run("create table t(id int primary key, v varchar)");
            other.run("insert into t values(1, 'one')");
            second.close(other.name);
            engine.close(first.name);
            engine.close(owner.name);
            SqlClient a = new SqlClient(engine, 51, () -> clock[0]).open();
            SqlClient b = new SqlClient(second, 51, () -> clock[0]).open();
            for (String sql : new String[] {
                "create user bob password 'secret'",
                "create role r",
                "grant r to bob",
                "drop role r",
                "drop user bob",
                "create user eve password 'x'",
                "grant select on t to eve"
            }) {
                assertThat(a.run(sql)).isEqualTo("0");
                assertThat(b.run(sql)).isEqualTo("0");
                assertThat(a.lastBytes).isEqualTo(b.lastBytes);
            }
            Items.assertSame("second node", items(second), items(engine));
        }
    }
}
