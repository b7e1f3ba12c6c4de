package io.lockstep.examples.jdbc;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What the page asks for. Called by the web server's threads. */
@RestController
public class Page {
    private final Bank bank;
    private final Nodes nodes;

    /** How a transfer went: how long it took in milliseconds, and which process was killed in it, 0 for none. */
    public record Done(long millis, long killed) {}

    Page(Bank bank, Nodes nodes) {
        this.bank = bank;
        this.nodes = nodes;
    }

    @GetMapping("/books")
    Bank.Books books() {
        return bank.books();
    }

    @PostMapping("/transfer")
    Done transfer(
            @RequestParam("from") int debtor, @RequestParam("to") int creditor, @RequestParam("amount") int amount) {
        return new Done(timed(debtor, creditor, amount, () -> {}), 0);
    }

    @PostMapping("/kill")
    Done transferInWhichTheActiveDies() {
        ProcessHandle active = nodes.active();
        return new Done(timed(1, 2, 10, active::destroyForcibly), active.pid());
    }

    private long timed(int debtor, int creditor, int amount, Runnable halfway) {
        long began = System.nanoTime();
        bank.transfer(debtor, creditor, amount, halfway);
        return (System.nanoTime() - began) / 1_000_000;
    }
}
