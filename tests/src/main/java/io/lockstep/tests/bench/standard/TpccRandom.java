package io.lockstep.tests.bench.standard;

import java.util.SplittableRandom;

/** What TPC-C draws (clauses 2.1.6, 4.3.2). Touched by one thread. */
final class TpccRandom {
    private static final String[] SYLLABLES = {
        "BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"
    };
    private static final String ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private final SplittableRandom random;
    private final TpccScale scale;
    private final Constants constants;

    /**
     * The constants C of NURand, one for each field.
     *
     * @param lastNameAtFirst for the last names of the rows at the beginning
     * @param lastName for those that terminals look for
     */
    record Constants(int lastNameAtFirst, int lastName, int customer, int item) {
        /** Draws them; the two for last names differ as clause 2.1.6.1 says, where there are enough of them. */
        static Constants draw(SplittableRandom random, TpccScale scale) {
            int most = rangeOfOr(scale.lastNames(), 3);
            int atFirst = random.nextInt(most + 1);
            int later = random.nextInt(most + 1);
            while (most == 255 && !differsAsItMust(Math.abs(later - atFirst))) {
                later = random.nextInt(most + 1);
            }
            return new Constants(
                    atFirst,
                    later,
                    random.nextInt(rangeOfOr(scale.customers(), 2) + 1),
                    random.nextInt(rangeOfOr(scale.items(), 8) + 1));
        }

        static boolean differsAsItMust(int distance) {
            return distance >= 65 && distance <= 119 && distance != 96 && distance != 112;
        }
    }

    TpccRandom(SplittableRandom random, TpccScale scale, Constants constants) {
        this.random = random;
        this.scale = scale;
        this.constants = constants;
    }

    /**
     * The constant A of NURand for a range: 255, 1023 and 8191 for 1,000 last names, 3,000 customers and 100,000 items; for
     * smaller ranges in about the same proportion, always one less than a power of two.
     */
    static int rangeOfOr(int range, int divisor) {
        return Integer.highestOneBit(Math.max(1, range / divisor)) - 1;
    }

    /** From least to most, all alike. */
    int uniform(int least, int most) {
        return random.nextInt(least, most + 1);
    }

    /** Whether something happens that does so {@code percent} times of a hundred. */
    boolean inPercent(int percent) {
        return uniform(1, 100) <= percent;
    }

    /** {@code NURand(A, x, y)} of clause 2.1.6. */
    int nonUniform(int a, int c, int least, int most) {
        return (((uniform(0, a) | uniform(least, most)) + c) % (most - least + 1)) + least;
    }

    int item() {
        return nonUniform(rangeOfOr(scale.items(), 8), constants.item, 1, scale.items());
    }

    int customer() {
        return nonUniform(rangeOfOr(scale.customers(), 2), constants.customer, 1, scale.customers());
    }

    /** A last name that terminals look for. */
    String lastName() {
        return lastName(drawLastName(constants.lastName));
    }

    /** The last name of a customer at the beginning: each once, then by chance (clause 4.3.3.1). */
    String lastNameAtFirst(int customer) {
        return lastName(customer <= scale.lastNames() ? customer - 1 : drawLastName(constants.lastNameAtFirst));
    }

    private int drawLastName(int c) {
        return nonUniform(rangeOfOr(scale.lastNames(), 3), c, 0, scale.lastNames() - 1);
    }

    /** The last name of a number from 0 to 999 (clause 4.3.2.3). */
    static String lastName(int number) {
        return SYLLABLES[number / 100] + SYLLABLES[number / 10 % 10] + SYLLABLES[number % 10];
    }

    /** Letters and digits, of a length between these. */
    String text(int least, int most) {
        return drawn(ALPHANUMERIC, uniform(least, most));
    }

    String digits(int length) {
        return drawn("0123456789", length);
    }

    /** Text that holds ORIGINAL somewhere, one time of ten. */
    String data() {
        String text = text(26, 50);
        if (!inPercent(10)) {
            return text;
        }
        int at = uniform(0, text.length() - 8);
        return text.substring(0, at) + "ORIGINAL" + text.substring(at + 8);
    }

    /** The numbers from 1 to that one in an order of chance. */
    int[] permutation(int most) {
        int[] numbers = new int[most];
        for (int i = 0; i < most; i++) {
            int j = uniform(0, i);
            numbers[i] = numbers[j];
            numbers[j] = i + 1;
        }
        return numbers;
    }

    private String drawn(String from, int length) {
        StringBuilder text = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            text.append(from.charAt(random.nextInt(from.length())));
        }
        return text.toString();
    }
}
