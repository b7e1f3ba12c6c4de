package io.lockstep.tests.bench.standard;

/**
 * How large a TPC-C database is. Immutable, safe from any thread.
 *
 * <p>The ratios are the specification's at any size: ten districts a warehouse, as many orders as customers in a
 * district, three of ten of them not delivered, three customers with the same last name.
 *
 * @param warehouses 1 or more
 * @param items 100 to 100,000; the specification asks for 100,000
 * @param customers of a district, 30 to 3,000; the specification asks for 3,000
 */
record TpccScale(int warehouses, int items, int customers) {
    static final int DISTRICTS = 10;
    static final int ITEMS_MAX = 100_000;
    static final int CUSTOMERS_MAX = 3_000;
    static final int ITEMS_MIN = 100;
    static final int CUSTOMERS_MIN = 30;

    /** Whether it is the size of clause 1.2. */
    boolean isFull() {
        return items == ITEMS_MAX && customers == CUSTOMERS_MAX;
    }

    /** How many last names there are: 1,000 of the specification's size. */
    int lastNames() {
        return customers / 3;
    }

    /** Orders of a district that are delivered at the beginning: 2,100 of 3,000. */
    int deliveredAtFirst() {
        return customers * 7 / 10;
    }
}
