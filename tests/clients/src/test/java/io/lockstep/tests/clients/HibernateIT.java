package io.lockstep.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.persistence.Lob;
import jakarta.persistence.LockModeType;
import jakarta.persistence.ManyToOne;
import jakarta.persistence.Version;
import java.time.LocalDateTime;
import org.hibernate.SessionFactory;
import org.hibernate.annotations.CreationTimestamp;
import org.hibernate.cfg.Configuration;
import org.hibernate.dialect.H2Dialect;
import org.hibernate.engine.spi.SessionFactoryImplementor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Hibernate with its own pool; it makes the tables from the classes. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class HibernateIT {
    @Entity(name = "Account")
    static class Account {
        @Id
        int id;

        @Version
        int version;

        int balance;

        Account() {}

        Account(int id, int balance) {
            this.id = id;
            this.balance = balance;
        }
    }

    @Entity(name = "Posting")
    static class Posting {
        @Id
        @GeneratedValue
        long id;

        @ManyToOne
        @Nullable Account account;

        int amount;

        @Lob
        String text = "";

        @CreationTimestamp
        @Nullable LocalDateTime posted;

        Posting() {}

        Posting(Account account, int amount) {
            this.account = account;
            this.amount = amount;
            this.text = "posted ".repeat(1_000);
        }
    }

    @Test
    void aTransactionGoesOnWhenTheActiveIsKilled(Database database) throws Exception {
        try (SessionFactory factory = factory(database)) {
            assertThat(factory.unwrap(SessionFactoryImplementor.class)
                            .getJdbcServices()
                            .getDialect())
                    .isInstanceOf(H2Dialect.class);
            factory.inTransaction(session -> {
                session.persist(new Account(1, 100));
                session.persist(new Account(2, 100));
            });
            factory.inTransaction(session -> {
                Account debtor = session.find(Account.class, 1, LockModeType.PESSIMISTIC_WRITE);
                debtor.balance -= 30;
                session.persist(new Posting(debtor, -30));
                session.flush();

                database.killActive();

                Account creditor = session.find(Account.class, 2, LockModeType.PESSIMISTIC_WRITE);
                creditor.balance += 30;
                session.persist(new Posting(creditor, 30));
                assertThat(session.createSelectionQuery("select sum(balance) from Account", Long.class)
                                .getSingleResult())
                        .isEqualTo(200);
                assertThat(session.createSelectionQuery(
                                        "select count(*) from Posting where length(text) = 7000", Long.class)
                                .getSingleResult())
                        .isEqualTo(2);
            });
        }
        assertThat(database.rows("SELECT ID, BALANCE, VERSION FROM ACCOUNT ORDER BY ID"))
                .containsExactly("1 70 1", "2 130 1");
        assertThat(database.rows("SELECT ACCOUNT_ID, AMOUNT FROM POSTING ORDER BY ID"))
                .containsExactly("1 -30", "2 30");
    }

    private static SessionFactory factory(Database database) {
        return new Configuration()
                .addAnnotatedClasses(Account.class, Posting.class)
                .setProperty("hibernate.connection.url", database.url())
                .setProperty("hibernate.connection.username", Database.USER)
                .setProperty("hibernate.connection.password", Database.PASSWORD)
                .setProperty("hibernate.hbm2ddl.auto", "create")
                .buildSessionFactory();
    }
}
