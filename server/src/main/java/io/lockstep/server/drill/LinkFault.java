package io.lockstep.server.drill;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a drill does to links between processes; the drill has two distributors, of which the first votes. A is the active
 * at that moment, B the backup, V the distributor that votes, D the other one.
 */
enum LinkFault {
    VOTER_ACTIVE("V and A hear nothing of each other", 4_000, 0, 0),
    ACTIVE_TO_DISTRIBUTOR("what A says to D is lost", 4_000, 0, 0),
    DISTRIBUTOR_TO_ACTIVE("what D says to A is lost", 4_000, 0, 0),
    ACTIVE_BACKUP("A and B hear nothing of each other; both live and have distributors", 4_000, 0, 1),
    ACTIVE_TO_BACKUP("what A says to B is lost", 4_000, 0, 1),
    BACKUP_TO_ACTIVE("what B says to A is lost", 4_000, 0, 1),
    SPLIT("A and D are cut off from B and V, who are the majority", 5_000, 1, 1),
    FLAPPING("A and B hear nothing of each other for 100 ms to 1.5 s, again and again", 8_000, 0, 8),
    LOSS("a fifth of all packets is lost, on every link", 6_000, 0, 12),
    DEAD_PEER("A dies while nothing reaches or leaves it, so that nobody is told", 4_000, 1, 1),
    SLOW("64 kbit/s to each node, hardly what signs of life take", 10_000, 0, 3);

    /** What {@code --links all} means: in an order in which both nodes lead. {@link #SLOW} needs a low rate. */
    static final List<LinkFault> ALL =
            Arrays.stream(values()).filter(each -> each != SLOW).toList();

    private final String meaning;
    private final int holdMs;
    private final int termsLeast;
    private final int termsMost;

    LinkFault(String meaning, int holdMs, int termsLeast, int termsMost) {
        this.meaning = meaning;
        this.holdMs = holdMs;
        this.termsLeast = termsLeast;
        this.termsMost = termsMost;
    }

    /** As written on the command line. */
    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** In words. */
    String meaning() {
        return meaning;
    }

    /** How long it lasts. */
    int holdMs() {
        return holdMs;
    }

    /** How many terms must begin in its time. */
    int termsLeast() {
        return termsLeast;
    }

    /** How many terms may begin in its time. */
    int termsMost() {
        return termsMost;
    }

    /** Whether the service may stand still while it lasts, so long as every request ends as it should. */
    boolean mayPause() {
        return this == FLAPPING || this == SLOW;
    }

    /** The one with that text. */
    static Optional<LinkFault> of(String text) {
        return Arrays.stream(values()).filter(each -> each.text().equals(text)).findFirst();
    }
}
