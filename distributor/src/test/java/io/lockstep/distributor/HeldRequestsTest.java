package io.lockstep.distributor;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Identity;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class HeldRequestsTest {
    private static final Identity SESSION = new Identity(1, 2);

    private final HeldRequests held = new HeldRequests();

    private static Request request(long id, int bytes) {
        return new Request(
                SESSION, 1, id, RequestKind.CONTINUE, 0, 0, 0, Identity.NONE, 30_000, false, new byte[bytes]);
    }

    private HeldRequests.Held insert(long id) {
        return held.insert(request(id, 1), 0);
    }

    private HeldRequests.Held found(long id) {
        return Objects.requireNonNull(held.find(id));
    }

    private List<Long> ids() {
        List<Long> ids = new ArrayList<>();
        for (HeldRequests.Held each = held.first(); each != null; each = each.next()) {
            ids.add(each.request.requestId());
        }
        assertThat(held.count()).isEqualTo(ids.size());
        return ids;
    }

    @Test
    void keepsThemByRisingIdInWhateverOrderTheyCome() {
        for (long id : new long[] {5, 9, 3, 7, 1, 8}) {
            insert(id);
        }
        assertThat(ids()).containsExactly(1L, 3L, 5L, 7L, 8L, 9L);
    }

    @Test
    void findsWhatIsHeldAndNothingBetweenOrBeyondIt() {
        assertThat(held.find(1)).isNull();
        HeldRequests.Held two = insert(2);
        HeldRequests.Held four = insert(4);
        HeldRequests.Held six = insert(6);
        assertThat(held.find(2)).isSameAs(two);
        assertThat(held.find(4)).isSameAs(four);
        assertThat(held.find(6)).isSameAs(six);
        for (long id : new long[] {1, 3, 5, 7}) {
            assertThat(held.find(id)).as("%s", id).isNull();
        }
    }

    @Test
    void whatLeavesFromTheFrontTheMiddleOrTheEndLeavesTheOthersInOrder() {
        for (long id = 1; id <= 6; id++) {
            insert(id);
        }
        held.remove(found(3));
        assertThat(ids()).containsExactly(1L, 2L, 4L, 5L, 6L);
        held.remove(found(6));
        assertThat(ids()).containsExactly(1L, 2L, 4L, 5L);
        held.remove(found(1));
        assertThat(ids()).containsExactly(2L, 4L, 5L);
        insert(3);
        insert(7);
        insert(1);
        assertThat(ids()).containsExactly(1L, 2L, 3L, 4L, 5L, 7L);
        for (long id : new long[] {7, 1, 4, 2, 5, 3}) {
            held.remove(found(id));
        }
        assertThat(ids()).isEmpty();
        assertThat(held.bytes()).isZero();
        insert(8);
        assertThat(ids()).containsExactly(8L);
    }

    @Test
    void whoHoldsOneThatHasLeftSeesNothingOfTheOthersThroughIt() {
        insert(1);
        HeldRequests.Held two = insert(2);
        insert(3);
        held.remove(two);
        assertThat(two.next()).isNull();
    }

    @Test
    void countsTheBytesOfTheBodiesThatItHolds() {
        HeldRequests.Held one = held.insert(request(1, 100), 0);
        held.insert(request(2, 20), 0);
        assertThat(held.bytes()).isEqualTo(120);
        held.replace(one, request(1, 7), 0);
        assertThat(held.bytes()).isEqualTo(27);
        held.remove(one);
        assertThat(held.bytes()).isEqualTo(20);
        assertThat(held.count()).isEqualTo(1);
    }

    @Test
    void anotherCopyTakesThePlaceOfTheFirstAndItsTimeBeginsAnew() {
        HeldRequests.Held one = held.insert(request(1, 1), 5);
        assertThat(one.deadlineNs()).isEqualTo(5 + 30_000_000_000L);
        Request again = request(1, 2);
        held.replace(one, again, 70);
        assertThat(one.request).isSameAs(again);
        assertThat(one.deadlineNs()).isEqualTo(70 + 30_000_000_000L);
        assertThat(held.find(1)).isSameAs(one);
    }

    @Test
    void theNewestIsUnsentUntilAnActiveHasHadIt() {
        assertThat(held.newestUnsentAfter(0)).isNull();
        insert(4);
        HeldRequests.Held newest = insert(5);
        assertThat(held.newestUnsentAfter(4)).isSameAs(newest);
        assertThat(held.newestUnsentAfter(5)).isNull();
        newest.sentEpoch = 1;
        assertThat(held.newestUnsentAfter(4)).isNull();
    }
}
