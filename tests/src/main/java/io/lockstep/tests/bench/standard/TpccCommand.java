package io.lockstep.tests.bench.standard;

import io.lockstep.server.Output;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lockstep bench tpcc}. Runs on the main thread. */
@Command(
        name = "tpcc",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "TPC-C over JDBC, its active killed, its twelve consistency conditions checked.",
        description = {
            "",
            "Nine tables, five transactions in the standard mix by decks of 23 cards, non-uniform keys, 1 %% of New-Order"
                    + " rolled back, 15 %% remote payments; victims of deadlocks are tried again and counted apart. After the"
                    + " run: the conditions of clause 3.3.2, every order, delivery and payment that was answered, and the"
                    + " nodes' digests. No think times: the figures are no tpmC.",
            ""
        })
public final class TpccCommand extends StandardCommand {
    @Option(
            names = "--warehouses",
            paramLabel = "N",
            defaultValue = "1",
            description = "Warehouses (${DEFAULT-VALUE}); terminals are spread over them.")
    int warehouses;

    @Option(
            names = "--items",
            paramLabel = "N",
            defaultValue = "10000",
            description = "Items, and stock of each warehouse (${DEFAULT-VALUE}; the specification asks for 100000).")
    int items;

    @Option(
            names = "--customers",
            paramLabel = "N",
            defaultValue = "300",
            description =
                    "Customers, and orders at the beginning, of each district (${DEFAULT-VALUE}; the specification"
                            + " asks for 3000).")
    int customers;

    /** @param output where the figures go */
    public TpccCommand(Output output) {
        super(output);
    }

    @Override
    Supplier<Benchmark> benchmark(long chosenSeed) {
        check(warehouses >= 1, "--warehouses must be 1 or more");
        check(
                items >= TpccScale.ITEMS_MIN && items <= TpccScale.ITEMS_MAX,
                "--items must be from " + TpccScale.ITEMS_MIN + " to " + TpccScale.ITEMS_MAX);
        check(
                customers >= TpccScale.CUSTOMERS_MIN && customers <= TpccScale.CUSTOMERS_MAX,
                "--customers must be from " + TpccScale.CUSTOMERS_MIN + " to " + TpccScale.CUSTOMERS_MAX);
        return () -> new Tpcc(new TpccScale(warehouses, items, customers), chosenSeed);
    }
}
