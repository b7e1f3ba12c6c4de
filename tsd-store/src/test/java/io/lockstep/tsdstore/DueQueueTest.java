package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The first is always the one that a sorted list has first, whatever comes, goes and moves. */
class DueQueueTest {
    private static final class Member implements DueQueue.Timed {
        private final Identity session;
        private final long id;
        private long dueNs;
        private int index = -1;

        Member(long dueNs, Identity session, long id) {
            this.dueNs = dueNs;
            this.session = session;
            this.id = id;
        }

        @Override
        public long dueNs() {
            return dueNs;
        }

        @Override
        public Identity session() {
            return session;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public int dueIndex() {
            return index;
        }

        @Override
        public void setDueIndex(int newIndex) {
            index = newIndex;
        }
    }

    private static final Comparator<Member> ORDER =
            Comparator.comparing(Member::dueNs).thenComparing(Member::session).thenComparing(Member::id);

    private final DueQueue<Member> queue = new DueQueue<>();
    private final List<Member> sorted = new ArrayList<>();

    @Test
    void theFirstIsTheOneThatIsDueFirstThenByNameWhateverComesGoesAndMoves() {
        SplittableRandom random = new SplittableRandom(7);
        for (int step = 0; step < 20_000; step++) {
            // It grows to some hundred members, and shrinks to none, again and again; many are due at the same time.
            boolean grows = step / 400 % 2 == 0;
            int what = random.nextInt(10);
            if (sorted.isEmpty() || what < (grows ? 6 : 2)) {
                add(new Member(random.nextLong(20), new Identity(random.nextLong(1, 3), random.nextLong(1, 4)), step));
            } else if (what < 8) {
                remove(sorted.get(random.nextInt(sorted.size())));
            } else if (what < 9) {
                Member moved = sorted.get(random.nextInt(sorted.size()));
                moved.dueNs = random.nextLong(20);
                queue.moved(moved);
            } else {
                sorted.forEach(member -> member.dueNs = random.nextLong(20));
                queue.reorder();
            }
            sorted.sort(ORDER);
            assertThat(queue.first()).isSameAs(sorted.isEmpty() ? null : sorted.get(0));
            assertThat(queue.size()).isEqualTo(sorted.size());
        }
        while (!sorted.isEmpty()) {
            assertThat(queue.first()).isSameAs(sorted.get(0));
            remove(sorted.get(0));
        }
        assertThat(queue.first()).isNull();
    }

    private void add(Member member) {
        queue.add(member);
        sorted.add(member);
    }

    private void remove(Member member) {
        queue.remove(member);
        sorted.remove(member);
        assertThat(member.index).isNegative();
    }

    @Test
    void nobodyIsQueuedTwiceNorLeavesTwice() {
        Member member = new Member(1, Identity.NONE, 1);
        assertThatThrownBy(() -> queue.remove(member))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("not queued");
        queue.add(member);
        assertThatThrownBy(() -> queue.add(member))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("queued twice");
        Member other = new Member(1, Identity.NONE, 1);
        other.index = 0;
        assertThatThrownBy(() -> queue.remove(other))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("not queued");
        queue.remove(member);
        assertThat(queue.first()).isNull();
    }

    @Test
    void whatNeverComesIsDueAtTheEndOfTime() {
        assertThat(DueQueue.add(5, 7)).isEqualTo(12);
        assertThat(DueQueue.add(5, 0)).isEqualTo(5);
        assertThat(DueQueue.add(5, Long.MAX_VALUE - 5)).isEqualTo(Long.MAX_VALUE);
        assertThat(DueQueue.add(5, Long.MAX_VALUE - 4)).isEqualTo(Long.MAX_VALUE);
        assertThat(DueQueue.add(5, Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
    }
}
