package io.lockstep.examples.jdbc;

import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Accounts and transfers, as any application would keep them. Safe from any thread, because the database is. */
@Service
public class Bank {
    private final JdbcClient jdbc;

    /** One account, with a balance in whole units of its currency. */
    public record Account(int id, String owner, int balance) {}

    /** What the page shows. */
    public record Books(List<Account> accounts, int total, long transfers) {}

    Bank(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    @Transactional(readOnly = true)
    public Books books() {
        List<Account> accounts = jdbc.sql("SELECT ID, OWNER, BALANCE FROM BANK_ACCOUNT ORDER BY ID")
                .query(Account.class)
                .list();
        long transfers =
                jdbc.sql("SELECT COUNT(*) FROM BANK_TRANSFER").query(Long.class).single();
        return new Books(accounts, accounts.stream().mapToInt(Account::balance).sum(), transfers);
    }

    /**
     * Moves money in one transaction.
     *
     * @param halfway runs when one account has paid and the other has not yet been paid
     */
    @Transactional
    public void transfer(int debtor, int creditor, int amount, Runnable halfway) {
        add(debtor, -amount);
        halfway.run();
        add(creditor, amount);
        jdbc.sql("INSERT INTO BANK_TRANSFER(DEBTOR, CREDITOR, AMOUNT) VALUES (?, ?, ?)")
                .params(debtor, creditor, amount)
                .update();
    }

    private void add(int account, int amount) {
        int rows = jdbc.sql("UPDATE BANK_ACCOUNT SET BALANCE = BALANCE + ? WHERE ID = ?")
                .params(amount, account)
                .update();
        if (rows != 1) {
            throw new IllegalArgumentException("there is no account " + account);
        }
    }
}
