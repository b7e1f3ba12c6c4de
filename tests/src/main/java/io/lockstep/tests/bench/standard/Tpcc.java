package io.lockstep.tests.bench.standard;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** TPC-C, revision 5.11: the wholesale supplier. Safe from any thread: what it shares is its books. */
final class Tpcc implements Benchmark {
    static final String NEW_ORDER = "new-order";
    static final String PAYMENT = "payment";
    static final String ORDER_STATUS = "order-status";
    static final String DELIVERY = "delivery";
    static final String STOCK_LEVEL = "stock-level";

    /** One deck (clause 5.2.4.2): 43.5 % New-Order, 43.5 % Payment, 4.3 % each of the others. */
    static final Map<String, Integer> CARDS = cards();

    private final TpccScale scale;
    private final long seed;
    private final TpccRandom.Constants constants;
    private final TpccBooks books;

    Tpcc(TpccScale scale, long seed) {
        this.scale = scale;
        this.seed = seed;
        this.constants = TpccRandom.Constants.draw(new SplittableRandom(seed), scale);
        this.books = new TpccBooks(scale);
    }

    private static Map<String, Integer> cards() {
        Map<String, Integer> cards = new LinkedHashMap<>();
        cards.put(NEW_ORDER, 10);
        cards.put(PAYMENT, 10);
        cards.put(ORDER_STATUS, 1);
        cards.put(DELIVERY, 1);
        cards.put(STOCK_LEVEL, 1);
        return cards;
    }

    @Override
    public String name() {
        return "tpcc";
    }

    @Override
    public Map<String, Object> scale() {
        Map<String, Object> size = new LinkedHashMap<>();
        size.put("warehouses", scale.warehouses());
        size.put("items", scale.items());
        size.put("customersOfADistrict", scale.customers());
        size.put("isSizeOfTheSpecification", scale.isFull());
        return size;
    }

    @Override
    public List<String> deviations() {
        List<String> deviations = new ArrayList<>();
        if (!scale.isFull()) {
            deviations.add(
                    "population scaled down: " + scale.items() + " items instead of 100,000, " + scale.customers()
                            + " customers and orders in a district instead of 3,000; the constants A of NURand in proportion");
        }
        if (scale.warehouses() == 1) {
            deviations.add("one warehouse: remote payments and stock go to the home warehouse");
        }
        deviations.add(
                "no keying or think times, more terminals a warehouse than ten where asked: the figures are no tpmC");
        deviations.add("a Delivery is done at once, all districts in one transaction");
        deviations.add("READ COMMITTED, with FOR UPDATE where a row is read to be changed");
        return deviations;
    }

    @Override
    public List<String> kinds() {
        return List.copyOf(CARDS.keySet());
    }

    @Override
    public void create(Connection connection) throws SQLException {
        new TpccTables(connection, scale, random(-1)).create();
    }

    private TpccRandom random(int terminal) {
        return new TpccRandom(new SplittableRandom(seed * 1_000_003 + terminal), scale, constants);
    }

    @Override
    public Terminal open(int number, Connection connection) throws SQLException {
        int warehouse = number % scale.warehouses() + 1;
        int district = number / scale.warehouses() % TpccScale.DISTRICTS + 1;
        TpccRandom random = random(number);
        TpccTransaction.Site site = new TpccTransaction.Site(connection, scale, random, books, warehouse, district);
        Map<String, TpccTransaction> transactions = Map.of(
                NEW_ORDER, new NewOrder(site),
                PAYMENT, new Payment(site),
                ORDER_STATUS, new OrderStatus(site),
                DELIVERY, new Delivery(site),
                STOCK_LEVEL, new StockLevel(site));
        Deck deck = new Deck(CARDS, new SplittableRandom(seed + 31L * number));
        return () -> {
            String kind = deck.draw();
            TpccTransaction transaction = transactions.get(kind);
            if (transaction == null) {
                throw new IllegalStateException("nobody does " + kind);
            }
            return new Draw(kind, transaction.draw());
        };
    }

    @Override
    public List<Finding> check(Connection connection) throws SQLException {
        return new TpccConditions(books).check(connection);
    }

    @Override
    public Audit audit(Connection connection) throws SQLException {
        return books.audit(connection);
    }
}
