package io.lockstep.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.Reader;
import java.io.Writer;
import java.sql.Connection;
import javax.sql.DataSource;
import org.apache.ibatis.annotations.Insert;
import org.apache.ibatis.annotations.Options;
import org.apache.ibatis.annotations.Param;
import org.apache.ibatis.annotations.Select;
import org.apache.ibatis.annotations.Update;
import org.apache.ibatis.datasource.pooled.PooledDataSource;
import org.apache.ibatis.io.Resources;
import org.apache.ibatis.jdbc.ScriptRunner;
import org.apache.ibatis.mapping.Environment;
import org.apache.ibatis.session.Configuration;
import org.apache.ibatis.session.SqlSession;
import org.apache.ibatis.session.SqlSessionFactory;
import org.apache.ibatis.session.SqlSessionFactoryBuilder;
import org.apache.ibatis.transaction.jdbc.JdbcTransactionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** MyBatis with its own pool, mappers and keys that the database makes. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class MyBatisIT {
    interface Accounts {
        @Select("SELECT BALANCE FROM ACCOUNT WHERE ID = #{id} FOR UPDATE")
        int locked(int id);

        @Update("UPDATE ACCOUNT SET BALANCE = BALANCE + #{amount} WHERE ID = #{id}")
        int add(@Param("id") int id, @Param("amount") int amount);

        @Insert("INSERT INTO POSTING(ACCOUNT, AMOUNT) VALUES (#{account}, #{amount})")
        @Options(useGeneratedKeys = true, keyProperty = "id")
        int post(Posting posting);
    }

    static final class Posting {
        final int account;
        final int amount;
        long id;

        Posting(int account, int amount) {
            this.account = account;
            this.amount = amount;
        }
    }

    @Test
    void aSessionGoesOnWhenTheActiveIsKilled(Database database) throws Exception {
        DataSource pool = new PooledDataSource(
                "io.lockstep.jdbc.LockstepDriver", database.url(), Database.USER, Database.PASSWORD);
        createSchema(pool);
        SqlSessionFactory sessions = sessions(pool);
        Posting debit = new Posting(1, -30);
        Posting credit = new Posting(2, 30);

        try (SqlSession session = sessions.openSession()) {
            Accounts accounts = session.getMapper(Accounts.class);
            assertThat(accounts.locked(1)).isEqualTo(100);
            assertThat(accounts.add(1, -30)).isEqualTo(1);
            assertThat(accounts.post(debit)).isEqualTo(1);

            database.killActive();

            assertThat(accounts.add(2, 30)).isEqualTo(1);
            assertThat(accounts.post(credit)).isEqualTo(1);
            session.commit();
        }

        assertThat(credit.id).isEqualTo(debit.id + 1);
        assertThat(database.rows("SELECT ID, BALANCE FROM ACCOUNT ORDER BY ID")).containsExactly("1 70", "2 130");
        assertThat(database.rows("SELECT ID, ACCOUNT, AMOUNT FROM POSTING ORDER BY ID"))
                .containsExactly(debit.id + " 1 -30", credit.id + " 2 30");
    }

    private static void createSchema(DataSource pool) throws Exception {
        try (Connection connection = pool.getConnection();
                Reader script = Resources.getResourceAsReader("accounts.sql")) {
            ScriptRunner runner = new ScriptRunner(connection);
            runner.setStopOnError(true);
            runner.setLogWriter(new PrintWriter(Writer.nullWriter()));
            runner.runScript(script);
            connection.commit();
        }
    }

    private static SqlSessionFactory sessions(DataSource pool) {
        Configuration configuration = new Configuration(new Environment("test", new JdbcTransactionFactory(), pool));
        configuration.addMapper(Accounts.class);
        return new SqlSessionFactoryBuilder().build(configuration);
    }
}
