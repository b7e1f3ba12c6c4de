package io.lockstep.tests.bench.standard;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Cards that say what comes next, shuffled anew when the last one is drawn (TPC-C, clause 5.2.4.2): so shares are exact.
 * Touched by one thread.
 */
final class Deck {
    private final SplittableRandom random;
    private final List<String> cards = new ArrayList<>();
    private int drawn;

    /** @param counts how many cards of each kind are in one deck */
    Deck(Map<String, Integer> counts, SplittableRandom random) {
        this.random = random;
        counts.forEach((kind, count) -> {
            for (int i = 0; i < count; i++) {
                cards.add(kind);
            }
        });
        drawn = cards.size();
    }

    String draw() {
        if (drawn == cards.size()) {
            shuffle();
            drawn = 0;
        }
        return cards.get(drawn++);
    }

    private void shuffle() {
        for (int i = cards.size() - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            String card = cards.get(i);
            cards.set(i, cards.get(j));
            cards.set(j, card);
        }
    }
}
