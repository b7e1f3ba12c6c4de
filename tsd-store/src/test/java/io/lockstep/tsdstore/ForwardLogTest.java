package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ForwardLogTest {
    private static final int BODY_BYTES = 1000;
    private static final int ENTRY_BYTES = Entry.OVERHEAD_BYTES + BODY_BYTES;

    private static Entry entryAfter(ForwardLog log, long term) {
        ControlHeader header =
                new ControlHeader(term, log.lastPosition() + 1, Identity.NONE, 0, RequestKind.TOUCH, 1, 0, 0, 5, 6);
        byte[] body = new byte[BODY_BYTES];
        long chain = Digests.chain(log.lastChain(), header, body, Decision.EXECUTE, 9);
        return new Entry(header, body, Decision.EXECUTE, 9, chain);
    }

    private static ForwardLog logOf(int entries, int limitInEntries) {
        ForwardLog log = new ForwardLog((long) limitInEntries * ENTRY_BYTES);
        for (int i = 0; i < entries; i++) {
            log.append(entryAfter(log, 1));
        }
        return log;
    }

    @Test
    void givesBackWhatItTook() {
        ForwardLog log = logOf(3000, 5000);
        assertThat(log.firstPosition()).isEqualTo(1);
        assertThat(log.lastPosition()).isEqualTo(3000);
        assertThat(log.last()).isEqualTo(new Identity(1, 3000));
        for (long p = 1; p <= 3000; p++) {
            assertThat(log.get(p).position()).isEqualTo(p);
            assertThat(log.chainAt(p)).isEqualTo(log.get(p).chain());
        }
        assertThat(log.chainAt(0)).isEqualTo(Digests.FIRST_CHAIN);
        assertThat(log.bytes()).isEqualTo(3000L * ENTRY_BYTES);
    }

    @Test
    void refusesAGapAnOlderTermAndABrokenChain() {
        ForwardLog log = logOf(2, 10);
        ForwardLog other = logOf(3, 10);
        Entry gap = entryAfter(other, 1);
        assertThat(log.continues(gap)).isFalse();
        assertThatThrownBy(() -> log.append(gap)).isInstanceOf(Invariant.InvariantBroken.class);
        Entry older = entryAfter(log, 0);
        assertThat(log.continues(older)).isFalse();
        assertThatThrownBy(() -> log.append(older)).isInstanceOf(Invariant.InvariantBroken.class);
        Entry good = entryAfter(log, 2);
        byte[] flipped = good.body().clone();
        flipped[7] ^= 1;
        Entry broken = new Entry(good.header(), flipped, good.decision(), good.outcome(), good.chain());
        assertThat(log.continues(broken)).isFalse();
        assertThatThrownBy(() -> log.append(broken)).isInstanceOf(Invariant.InvariantBroken.class);
        assertThat(log.continues(good)).isTrue();
        log.append(good);
        assertThat(log.last()).isEqualTo(new Identity(2, 3));
    }

    @Test
    void forgetsTheOldestBeyondItsLimitButKnowsWhatWasBefore() {
        ForwardLog log = logOf(25, 10);
        assertThat(log.firstPosition()).isEqualTo(16);
        assertThat(log.bytes()).isEqualTo(10L * ENTRY_BYTES);
        assertThat(log.chainAt(15)).isEqualTo(logOf(15, 100).lastChain());
        assertThat(log.identityAt(15)).isEqualTo(new Identity(1, 15));
        assertThat(log.knows(15)).isTrue();
        assertThat(log.knows(14)).isFalse();
        assertThat(log.holds(15)).isFalse();
        assertThatThrownBy(() -> log.get(15)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void keepsWhatIsPinnedUpToTwiceItsLimitAndThenBreaksThePin() {
        ForwardLog log = logOf(10, 10);
        ForwardLog.Pin pin = log.pin(3);
        ForwardLog.Pin later = log.pin(10);
        for (int i = 11; i <= 22; i++) {
            log.append(entryAfter(log, 1));
        }
        assertThat(log.firstPosition()).isEqualTo(3);
        assertThat(pin.isBroken()).isFalse();
        log.append(entryAfter(log, 1));
        assertThat(pin.isBroken()).isTrue();
        assertThat(later.isBroken()).isFalse();
        assertThat(log.firstPosition()).isEqualTo(4);
        log.append(entryAfter(log, 1));
        assertThat(log.firstPosition()).isEqualTo(10);
        later.advanceTo(20);
        log.append(entryAfter(log, 1));
        assertThat(log.firstPosition()).isEqualTo(16);
        later.close();
        pin.close();
    }

    @Test
    void dropsATailAndGoesOnDifferently() {
        ForwardLog log = logOf(10, 100);
        log.truncateAfter(7);
        assertThat(log.last()).isEqualTo(new Identity(1, 7));
        assertThat(log.bytes()).isEqualTo(7L * ENTRY_BYTES);
        log.append(entryAfter(log, 4));
        assertThat(log.last()).isEqualTo(new Identity(4, 8));
        log.truncateAfter(0);
        assertThat(log.lastPosition()).isZero();
        assertThat(log.bytes()).isZero();
        assertThatThrownBy(() -> log.truncateAfter(1)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void startsAnewAfterACopy() {
        ForwardLog log = logOf(10, 100);
        ForwardLog.Pin pin = log.pin(5);
        log.startAfter(new Identity(7, 1000), 4711);
        assertThat(pin.isBroken()).isTrue();
        assertThat(log.last()).isEqualTo(new Identity(7, 1000));
        assertThat(log.lastChain()).isEqualTo(4711);
        assertThat(log.firstPosition()).isEqualTo(1001);
        assertThat(log.knows(1000)).isTrue();
        assertThat(log.holds(1000)).isFalse();
        log.append(entryAfter(log, 7));
        assertThat(log.get(1001).position()).isEqualTo(1001);
    }

    @Test
    void evictsNothingFromTheFloorOnWhateverItsLimits() {
        ForwardLog log = logOf(0, 10);
        log.keepFrom(3);
        for (int i = 0; i < 50; i++) {
            log.append(entryAfter(log, 1));
        }
        assertThat(log.firstPosition()).isEqualTo(3);
        log.keepFrom(48);
        log.append(entryAfter(log, 1));
        assertThat(log.firstPosition()).isEqualTo(42);
        log.keepFrom(Long.MAX_VALUE);
        log.append(entryAfter(log, 1));
        assertThat(log.firstPosition()).isEqualTo(43);
    }

    @Test
    void takesOnlyWhatIsNextAndSaysSo() {
        ForwardLog log = logOf(2, 10);
        Entry next = entryAfter(log, 1);
        assertThat(log.continues(next)).isTrue();
        assertThat(log.appendIfNext(next)).isTrue();
        assertThat(log.appendIfNext(next)).isFalse();
        assertThat(log.lastPosition()).isEqualTo(3);
        assertThat(log.maxBytes()).isEqualTo(10L * ENTRY_BYTES);
        assertThatThrownBy(() -> new ForwardLog(0)).isInstanceOf(Invariant.InvariantBroken.class);
        assertThat(new ForwardLog(1).lastPosition()).isZero();
    }

    @Test
    void pinsWhatItHoldsAndWhatComesNextAndNothingElse() {
        ForwardLog log = logOf(25, 10);
        assertThat(log.pin(16).position()).isEqualTo(16);
        ForwardLog.Pin next = log.pin(26);
        assertThat(next.position()).isEqualTo(26);
        assertThatThrownBy(() -> log.pin(15)).isInstanceOf(Invariant.InvariantBroken.class);
        assertThatThrownBy(() -> log.pin(27)).isInstanceOf(Invariant.InvariantBroken.class);
        next.advanceTo(26);
        assertThatThrownBy(() -> next.advanceTo(25)).isInstanceOf(Invariant.InvariantBroken.class);
    }

    @Test
    void aPinOfBeforeACopyKeepsNothingAfterIt() {
        ForwardLog log = logOf(10, 10);
        assertThat(log.pin(5).isBroken()).isFalse();
        log.startAfter(new Identity(1, 1000), 4711);
        for (int i = 0; i < 15; i++) {
            log.append(entryAfter(log, 1));
        }
        assertThat(log.bytes()).isEqualTo(10L * ENTRY_BYTES);
    }

    /** Entries of all lengths, evicted, cut off and appended again, against a list that holds them as objects. */
    @Test
    void holdsWhatAListWouldHold() {
        for (long seed = 1; seed <= 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            long maxBytes = random.nextInt(2_000, 200_000);
            ForwardLog log = new ForwardLog(maxBytes);
            List<Entry> model = new ArrayList<>();
            long firstHeld = 1;
            for (int step = 0; step < 3_000; step++) {
                if (random.nextInt(200) == 0 && log.lastPosition() >= firstHeld) {
                    long cut = random.nextLong(firstHeld - 1, log.lastPosition() + 1);
                    log.truncateAfter(cut);
                    model.subList((int) cut, model.size()).clear();
                } else {
                    Entry entry = entryAfter(log, 1 + step / 1_000, random);
                    log.append(entry);
                    model.add(entry);
                    firstHeld = log.firstPosition();
                }
                check(log, model, seed);
            }
        }
    }

    private static Entry entryAfter(ForwardLog log, long term, SplittableRandom random) {
        int length = random.nextInt(100) == 0 ? random.nextInt(20_000) : random.nextInt(300);
        byte[] body = new byte[length];
        random.nextBytes(body);
        ControlHeader header = new ControlHeader(
                term,
                log.lastPosition() + 1,
                random.nextBoolean() ? Identity.NONE : new Identity(random.nextInt(1, 9), random.nextInt(1, 9)),
                random.nextLong(1L << 40),
                RequestKind.values()[random.nextInt(RequestKind.values().length)],
                random.nextInt(1 << 20),
                random.nextLong(1L << 40),
                random.nextLong(1L << 40),
                random.nextLong(1L << 60),
                random.nextLong());
        Decision decision = Decision.values()[random.nextInt(Decision.values().length)];
        long outcome = random.nextLong();
        long chain = Digests.chain(log.lastChain(), header, body, decision, outcome);
        return new Entry(header, body, decision, outcome, chain);
    }

    private static void check(ForwardLog log, List<Entry> model, long seed) {
        assertThat(log.lastPosition()).as("seed %d", seed).isEqualTo(model.size());
        long bytes = 0;
        for (long p = log.firstPosition(); p <= log.lastPosition(); p += 1 + (log.lastPosition() - p) / 4) {
            Entry expected = model.get((int) p - 1);
            assertThat(log.get(p)).as("seed %d, entry %d", seed, p).satisfies(held -> {
                assertThat(held.header()).isEqualTo(expected.header());
                assertThat(held.body()).isEqualTo(expected.body());
                assertThat(held.decision()).isEqualTo(expected.decision());
                assertThat(held.outcome()).isEqualTo(expected.outcome());
                assertThat(held.chain()).isEqualTo(expected.chain());
            });
            assertThat(log.bytesAt(p)).isEqualTo(expected.bytes());
            assertThat(log.identityAt(p)).isEqualTo(expected.identity());
            assertThat(log.chainAt(p)).isEqualTo(expected.chain());
        }
        for (long p = log.firstPosition(); p <= log.lastPosition(); p++) {
            bytes += model.get((int) p - 1).bytes();
        }
        assertThat(log.bytes()).as("seed %d", seed).isEqualTo(bytes).isLessThanOrEqualTo(log.maxBytes());
        assertThat(log.last().position()).isEqualTo(model.size());
        assertThat(log.lastChain()).isEqualTo(log.chainAt(log.lastPosition()));
    }
}
